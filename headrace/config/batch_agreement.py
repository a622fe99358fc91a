"""What must hold between `endpoint.kind: batch`, the block `endpoint.batch` and the rest of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_OF_ENDPOINTS = ("client_error_share", "latency_p50_ms", "latency_p99_ms")


def batch_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong: what asks an endpoint where there is none, and columns that no file of predictions can have.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> Pipeline(name="bike", problem="regression", target="cnt", endpoint={"kind": "batch"}, stream={"scoring": True})
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Pipeline
      Value error, stream.scoring: asks the endpoint, and with endpoint.kind: batch there is none ...
    """
    found = [] if pipeline.endpoint.exists else _asks_an_endpoint(pipeline)
    batch = pipeline.endpoint.batch
    columns = () if batch is None or batch.columns == "all" else batch.columns
    if len(set(columns)) < len(columns):
        found.append((("endpoint", "batch", "columns"), "names a column twice"))
    return found


def _asks_an_endpoint(pipeline: Pipeline) -> list[Finding]:
    none = "and with endpoint.kind: batch there is none"
    found: list[Finding] = [
        (("alarms", name), f"is about an endpoint, {none}")
        for name in _OF_ENDPOINTS
        if getattr(pipeline.alarms, name)
    ]
    if pipeline.stream and pipeline.stream.scoring:
        found.append((("stream", "scoring"), f"asks the endpoint, {none}"))
    return found
