"""Let the endpoint's variants scale as the pipeline file says, and stop that before an update takes variants away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.custom_resource import Context, answer
from headrace.aws.endpoints import Endpoint, Endpoints
from headrace.aws.instance_scaling import InstanceScaling
from headrace.aws.logs import function_logger
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.config.scaling import Scaling
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()

_NO_PLAN = {"action": "deploy"}
"""CloudFormation has none, and none of its turns to wait for."""


class LiveEndpoints(Protocol):
    """What this function needs from SageMaker's hosting."""

    def find(self, name: str) -> Endpoint | None:
        """Describe the endpoint."""
        ...

    def resize(self, name: str, variant: str, instances: int) -> None:
        """Begin to change how many instances a variant has."""
        ...


class Scaler(Protocol):
    """What this function needs from Application Auto Scaling."""

    def start(self, endpoint: str, variant: str, scaling: Scaling) -> None:
        """Let a variant scale."""
        ...

    def stop(self, endpoint: str, *, keep: Collection[str] = ()) -> list[str]:
        """Take variants out of scaling."""
        ...


@cache
def _deps() -> tuple[Pipeline, Endpoints, InstanceScaling]:
    scaling = InstanceScaling(boto3.client("application-autoscaling"), boto3.client("cloudwatch"))
    return bundled_pipeline(), Endpoints(boto3.client("sagemaker")), scaling


def scale_endpoint(
    event: Mapping[str, Any], pipeline: Pipeline, endpoints: LiveEndpoints, scaler: Scaler
) -> dict[str, Any]:
    """Do what ``action`` says: ``stop`` scaling, ``start`` it, or ``restore`` it after a roll-back.

    Returns
    -------
    dict
        ``variants`` that scale now, and whether the endpoint is ``settled``, so that it can be updated.
    """
    name = f"headrace-{pipeline.name}"
    scaling = pipeline.endpoint.scaling
    if event.get("plan", _NO_PLAN).get("action") not in ("deploy", "roll_back"):
        return _state(endpoints.find(name), ())  # what failed before it had its turn has changed nothing
    if event["action"] == "stop" or scaling is None:
        stopped = scaler.stop(name)
        logger.info("scaling has stopped", extra={"variants": stopped})
        return _state(endpoints.find(name), ())
    endpoint = endpoints.find(name)
    if endpoint and endpoint.releasing:
        return _state(endpoint, ())  # its end must not wait for an instance, and starts scaling again
    variants = endpoint.variants if endpoint else ()
    scaler.stop(name, keep=variants)
    if endpoint and event["action"] == "restore":
        _restore_size(name, endpoint, event["plan"].get("instances", 0), endpoints)
    for variant in variants:
        scaler.start(name, variant, scaling)
    logger.info("scaling has started", extra={"variants": variants})
    return _state(endpoint, variants)


def _state(endpoint: Endpoint | None, variants: Collection[str]) -> dict[str, Any]:
    return {"variants": list(variants), "settled": endpoint is None or endpoint.settled}


def _restore_size(name: str, endpoint: Endpoint, instances: int, endpoints: LiveEndpoints) -> None:
    """Give the one variant that is back as many instances as there were: its configuration may be from a quieter time."""
    if len(endpoint.variants) == 1 and endpoint.settled and endpoint.instances < instances:
        endpoints.resize(name, endpoint.variants[0], instances)


@redact_errors
def handler(event: dict[str, Any], context: Context) -> dict[str, Any] | None:
    """Lambda entry point, for the state machine and for CloudFormation, which tells when the pipeline file has changed."""
    if "RequestType" not in event:
        return scale_endpoint(event, *_deps())

    def work() -> dict[str, str]:
        action = "stop" if event["RequestType"] == "Delete" else "start"
        state = scale_endpoint({"action": action}, *_deps())
        return {"Variants": ",".join(state["variants"])}

    answer(event, context, work)
    return None
