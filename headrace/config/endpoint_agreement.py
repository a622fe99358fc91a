"""What must hold between the kind of the endpoint and the other fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.asynchronous import Asynchronous

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline


def endpoint_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between the kind of the endpoint and its other fields."""
    endpoint = pipeline.endpoint
    found = [
        (
            ("endpoint", "asynchronous"),
            f"is for asynchronous endpoints, and `endpoint.kind` is {endpoint.kind}",
            endpoint.asynchronous != Asynchronous() and endpoint.kind != "asynchronous",
        ),
        (
            ("stream", "scoring"),
            "needs an endpoint that answers at once, and an asynchronous one does not",
            pipeline.stream is not None and pipeline.stream.scoring and endpoint.kind == "asynchronous",
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]
