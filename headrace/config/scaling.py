"""The block `endpoint.scaling`: how many instances there are at which load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from headrace.config.block import Block

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_MOST_INSTANCES = 1000
_LONGEST_COOLDOWN_S = 3600
_BURSTABLE = re.compile(r"^ml\.t\d")


class Scaling(Block):
    """How many instances answer: so many that each has as much to do as `target` says.

    Examples
    --------
    >>> Scaling(min=2, max=8, target=600).by
    'invocations'
    """

    min: int = Field(
        ge=0,
        le=_MOST_INSTANCES,
        description="Never fewer instances; 0 is for asynchronous endpoints, whose requests can wait for the first.",
    )
    max: int = Field(ge=1, le=_MOST_INSTANCES, description="Never more instances.")
    by: Literal["invocations", "concurrency", "backlog"] = Field(
        "invocations",
        description="What is held at `target`: requests a minute, requests at the same time (seen every ten seconds, so it "
        "reacts faster), or for asynchronous endpoints requests that wait.",
    )
    target: float = Field(gt=0, description="How much of that one instance is to have.")
    scale_out_cooldown_s: int = Field(
        60,
        ge=0,
        le=_LONGEST_COOLDOWN_S,
        description="After instances have been added, so long until more are, in seconds.",
    )
    scale_in_cooldown_s: int = Field(
        300,
        ge=0,
        le=_LONGEST_COOLDOWN_S,
        description="After instances have been taken away, so long until more are, in seconds.",
    )


def scaling_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between the sizes of the endpoint, its kind and its instances."""
    return [*_provisioned(pipeline), *_scaled(pipeline)]


def _provisioned(pipeline: Pipeline) -> list[Finding]:
    endpoint = pipeline.endpoint
    provisioned, most = endpoint.provisioned_concurrency, endpoint.max_concurrency
    place = ("endpoint", "provisioned_concurrency")
    if provisioned is None:
        return []
    found = [
        (
            place,
            f"is for serverless endpoints, and `endpoint.kind` is {endpoint.kind}",
            endpoint.kind != "serverless",
        ),
        (place, f"is more than endpoint.max_concurrency ({most})", provisioned > most),
    ]
    return [(path, text) for path, text, wrong in found if wrong]


def _scaled(pipeline: Pipeline) -> list[Finding]:
    endpoint, scaling, place = pipeline.endpoint, pipeline.endpoint.scaling, ("endpoint", "scaling")
    if scaling is None:
        return []
    if not endpoint.has_instances:
        return [(place, f"is for instances that stay, and a {endpoint.kind} endpoint has none: leave it out")]
    waits = endpoint.kind == "asynchronous"
    found = [
        ((*place, "max"), f"is not more than min ({scaling.min})", scaling.max <= scaling.min),
        (
            (*place, "min"),
            "is 0, but only an asynchronous endpoint can do without instances: name 1 or more",
            scaling.min == 0 and not waits,
        ),
        (
            ("endpoint", "instances"),
            f"is {endpoint.instances}, which is not within scaling.min and scaling.max ({scaling.min} to {scaling.max})",
            not scaling.min <= endpoint.instances <= scaling.max,
        ),
        (
            (*place, "by"),
            f"is {scaling.by}, but requests of an asynchronous endpoint wait in a queue: name backlog",
            waits and scaling.by != "backlog",
        ),
        (
            (*place, "by"),
            "is backlog, but only requests of an asynchronous endpoint wait: name invocations or concurrency",
            scaling.by == "backlog" and not waits,
        ),
        (
            ("endpoint", "instance"),
            f"is {endpoint.instance}, and SageMaker scales no burstable instances: name another family",
            _BURSTABLE.match(endpoint.instance) is not None,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]
