"""Compare what the endpoint is asked with what its model was trained on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger

from headrace.aws.artifacts import Artifacts
from headrace.aws.capture_window import CapturedObject, Checkpoint, thin
from headrace.aws.captured_data import CapturedData, CheckpointLog
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.drift import compare
from headrace.ml.profile import Profile
from headrace.ml.request_cleaning import RequestCleaning
from lambdas.check_drift.report import Checked
from lambdas.check_drift.window import Window

logger = Logger()

LATEST = "drift/latest.json"
MAX_BYTES = 64 * 2**20
"""Captured data that one check reads, some 600,000 rows of twelve features; of a larger window it reads an even sample."""


class Champions(Protocol):
    """What this function needs from the ledger of models."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...


class Captured(Protocol):
    """What this function needs of the captured predictions."""

    def list_objects(self, variant: str, first_hour: str) -> list[CapturedObject]:
        """Return the objects of a variant from a partition on."""
        ...

    def lines(self, key: str) -> Iterator[str]:
        """Yield the records of one object."""
        ...


class Checkpoints(Protocol):
    """What this function remembers."""

    def load(self, variant: str) -> Checkpoint:
        """Return how far a variant has been checked."""
        ...

    def save(self, variant: str, checkpoint: Checkpoint) -> None:
        """Write that down."""
        ...


class Reports(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write the document."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(
        self, metrics: Mapping[str, float], *, unit: Unit = ..., dimensions: Mapping[str, str] | None = ...
    ) -> None:
        """Emit values."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    champions: Champions
    captured: Captured
    checkpoints: Checkpoints
    reports: Reports
    metrics: Metrics


@cache
def _deps() -> tuple[Pipeline, Ports]:
    pipeline = bundled_pipeline()
    client, bucket = boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"]
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return pipeline, Ports(
        champions=TrainingLog(table),
        captured=CapturedData(client, bucket, os.environ["ENDPOINT_NAME"]),
        checkpoints=CheckpointLog(table),
        reports=Artifacts(client, bucket),
        metrics=PipelineMetrics(pipeline.name),
    )


def check_drift(pipeline: Pipeline, ports: Ports, now: datetime) -> dict[str, Any]:
    """Check the traffic of the model in service since its last check; return the verdict in a few words.

    The report is written before the metrics, because an alarm on them is explained from the report; the checkpoint is
    moved last, so that a check that fails on the way is done again.
    """
    champion = ports.champions.champion()
    if champion is None:
        return _nothing("no model is in service yet")
    document = ports.reports.load(f"baselines/{champion.variant}/baseline.json")
    if document is None:
        return _nothing(f"model {champion.variant} has no baseline to compare with")
    checkpoint = ports.checkpoints.load(champion.variant)
    listed = ports.captured.list_objects(champion.variant, checkpoint.first_hour())
    checked = _check(pipeline, ports, champion, document, checkpoint.after(listed), now)
    if checked.drift.verdict != "not enough data":
        ports.reports.store(checked.key, checked.as_document())
        ports.reports.store(LATEST, checked.as_document())
    _emit(checked, ports.metrics)
    if max(checked.drift.rows, checked.unreadable) >= pipeline.monitoring.min_rows:
        ports.checkpoints.save(champion.variant, checkpoint.advanced(listed))
    logger.info(checked.drift.verdict, extra={"variant": champion.variant, "rows": checked.drift.rows})
    return {
        name: value
        for name, value in checked.as_document().items()
        if name in ("drifted", "verdict", "summary", "drifted_features", "rows", "variant", "report_key")
    }


def _check(
    pipeline: Pipeline,
    ports: Ports,
    champion: Champion,
    document: Mapping[str, Any],
    objects: list[CapturedObject],
    now: datetime,
) -> Checked:
    baseline = Profile.from_dict(document)
    window = Window(_cleaning(document, baseline))
    chosen = thin(objects, MAX_BYTES)
    for item in chosen:
        window.add(ports.captured.lines(item.key))
    profile = window.profile(baseline)
    return Checked(
        pipeline=pipeline.name,
        endpoint=f"headrace-{pipeline.name}",
        variant=champion.variant,
        checked_at=now,
        span=window.span,
        requests=window.requests,
        unreadable=window.unreadable,
        duplicates=window.duplicates,
        read_share=len(chosen) / len(objects) if objects else 1.0,
        window=profile,
        drift=compare(
            baseline,
            profile,
            false_alarm_rate=pipeline.monitoring.false_alarm_rate,
            smallest_effect=pipeline.monitoring.smallest_effect,
            min_rows=pipeline.monitoring.min_rows,
        ),
    )


def _cleaning(document: Mapping[str, Any], baseline: Profile) -> RequestCleaning:
    """Return how requests were cleaned before the model read them: as the endpoint does."""
    schema = tuple(ColumnSchema(feature.name, feature.kind) for feature in baseline.features)
    return RequestCleaning(schema, tuple(map(DeclaredStep.from_dict, document.get("cleaning", ()))))


def _emit(checked: Checked, metrics: Metrics) -> None:
    metrics.put(checked.counts())
    metrics.put(checked.levels(), unit=Unit.NoUnit)
    for name, drift in checked.by_feature().items():
        metrics.put({"FeatureDrift": drift}, unit=Unit.NoUnit, dimensions={"Feature": name})


def _nothing(why: str) -> dict[str, Any]:
    logger.info(why)
    return {
        "drifted": False,
        "verdict": "not enough data",
        "summary": [why],
        "drifted_features": [],
        "rows": 0,
    }


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    pipeline, ports = _deps()
    return check_drift(pipeline, ports, datetime.now(UTC))
