"""Store the predictions that a serverless or asynchronous endpoint logs, as DataCapture stores those of other endpoints."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.capture import CaptureError, capture_key, parse_capture
from headrace.aws.log_batch import LogBatch, LogEvent, decode_log_batch
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()


class Store(Protocol):
    """What this function needs from storage."""

    def put(self, key: str, body: bytes) -> None:
        """Write `body` under `key`, replacing what is there."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit counts."""
        ...


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    artifacts_bucket: str
    endpoint: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(artifacts_bucket=environ["ARTIFACTS_BUCKET"], endpoint=environ["ENDPOINT_NAME"])


@cache
def _deps() -> tuple[Settings, Store, Metrics]:
    settings = Settings.from_environ(os.environ)
    store = Artifacts(boto3.client("s3"), settings.artifacts_bucket)
    return settings, store, PipelineMetrics(bundled_pipeline().name)


def store_predictions(batch: LogBatch, endpoint: str, store: Store, metrics: Metrics) -> dict[str, int]:
    """Store the readable records of `batch` as one object; count and name the others.

    Returns
    -------
    dict
        ``{"stored": int, "unreadable": int}``. An unreadable line stays in the endpoint's log, where its id finds it.
    """
    readable, unreadable = _sort(batch.events)
    if readable:
        variant = batch.stream.partition("/")[0]
        key = capture_key(endpoint, variant, readable[0].time, [event.id for event in batch.events])
        store.put(key, "".join(f"{record.line}\n" for record in readable).encode())
    if unreadable:
        logger.warning(
            "lines are no capture records", extra={"log_stream": batch.stream, "events": unreadable}
        )
    metrics.put({"CapturedRequests": len(readable), "UnreadableCaptures": len(unreadable)})
    return {"stored": len(readable), "unreadable": len(unreadable)}


@dataclass(frozen=True)
class _Record:
    line: str
    time: datetime


def _sort(events: tuple[LogEvent, ...]) -> tuple[list[_Record], list[dict[str, str]]]:
    readable: list[_Record] = []
    unreadable: list[dict[str, str]] = []
    for event in events:
        try:
            readable.append(_Record(event.message.strip(), parse_capture(event.message).time))
        except CaptureError as error:
            unreadable.append({"id": event.id, "why": str(error)})
    return readable, unreadable


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    settings, store, metrics = _deps()
    return store_predictions(decode_log_batch(event), settings.endpoint, store, metrics)
