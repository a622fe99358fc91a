"""Compare what the endpoint is asked with what its model was trained on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.capture_window import StoredObject
from headrace.aws.captured_profiles import CapturedProfile, CapturedProfiles
from headrace.aws.file_ledger import FileLedger
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.model_monitor_metrics import ModelMonitorMetrics
from headrace.aws.monitor_ledger import LastPrediction, OvertakenError, Progress, ProgressLog
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.calibration import Calibration
from headrace.ml.constraint_violations import constraint_violations
from headrace.ml.drift import compare
from headrace.ml.evidence.weights import importance_shares
from headrace.ml.model_monitor_metrics import MetricValue, data_metrics
from headrace.ml.privacy.redaction import redact_errors
from headrace.ml.profile import Profile
from headrace.ml.recent_checks import drift_in_short, with_check
from lambdas.check_drift.pictures import draw_page
from lambdas.check_drift.report import Checked
from lambdas.check_drift.window import merged

logger = function_logger()

LATEST, HISTORY = "drift/latest.json", "drift/history.json"
_HOUR = timedelta(hours=1)


class Champions(Protocol):
    """What this function needs from the ledger of models."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...


class Profiles(Protocol):
    """What this function needs of the recorded predictions."""

    def list_objects(self, variant: str, first_hour: str) -> list[StoredObject]:
        """Return the profiles of a variant from a partition on."""
        ...

    def read(self, keys: Sequence[str]) -> Iterator[CapturedProfile]:
        """Yield profiles."""
        ...


class Checks(Protocol):
    """What this function remembers."""

    def load(self, variant: str) -> Progress:
        """Return how far a variant has been checked."""
        ...

    def save(self, variant: str, progress: Progress) -> Progress:
        """Write that down over the version it was made from."""
        ...


class Predictions(Protocol):
    """What is known of when the endpoint answered."""

    def time(self) -> datetime | None:
        """Return the time of the last answer."""
        ...


class Files(Protocol):
    """What this function needs from the ledger of files."""

    def last_accepted(self) -> datetime | None:
        """Return when the last file was dropped of which rows were accepted."""
        ...


class Reports(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write the document."""
        ...

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> None:
        """Write bytes."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(
        self, metrics: Mapping[str, float], *, unit: Unit = ..., dimensions: Mapping[str, str] | None = ...
    ) -> None:
        """Emit values."""
        ...


class DataMetrics(Protocol):
    """What this function needs from CloudWatch if Model Monitor's metrics are wanted too."""

    def put(self, metrics: Iterable[MetricValue], at: datetime) -> None:
        """Store values."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    champions: Champions
    profiles: Profiles
    checks: Checks
    predictions: Predictions
    files: Files
    reports: Reports
    metrics: Metrics
    data_metrics: DataMetrics | None = None


@cache
def _deps() -> tuple[Pipeline, Ports]:
    pipeline = bundled_pipeline()
    client, bucket = boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"]
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return pipeline, Ports(
        champions=TrainingLog(table),
        profiles=CapturedProfiles(client, bucket),
        checks=ProgressLog(table, "checked"),
        predictions=LastPrediction(table),
        files=FileLedger(table),
        reports=Artifacts(client, bucket),
        metrics=PipelineMetrics(pipeline.name),
        data_metrics=_data_metrics(pipeline),
    )


def _data_metrics(pipeline: Pipeline) -> ModelMonitorMetrics | None:
    if not pipeline.monitoring.model_monitor_metrics:
        return None
    name = f"headrace-{pipeline.name}"
    return ModelMonitorMetrics(boto3.client("cloudwatch"), endpoint=name, schedule=name)


def check_drift(pipeline: Pipeline, ports: Ports, now: datetime) -> dict[str, Any]:
    """Check the traffic of the model in service since its last check; return the verdict in a few words.

    The report is written before the metrics, because an alarm on them is explained from the report; the checkpoint is
    moved last, so that a check that fails on the way is done again.
    """
    _emit_ages(ports, now)
    champion = ports.champions.champion()
    if champion is None:
        return _nothing("no model is in service yet")
    document = ports.reports.load(f"baselines/{champion.variant}/baseline.json")
    if document is None:
        return _nothing(f"model {champion.variant} has no baseline to compare with")
    progress = ports.checks.load(champion.variant)
    listed = ports.profiles.list_objects(champion.variant, progress.checkpoint.first_hour())
    new = [item.key for item in progress.checkpoint.after(listed)]
    baseline, window = Profile.from_dict(document), merged(ports.profiles.read(new))
    checked = _check(pipeline, champion, baseline, _calibration(document), window, now)
    checked = replace(checked, weights=importance_shares(document.get("importance", ())))
    if checked.judged:
        _report(pipeline, ports, baseline, checked)
    _emit(checked, ports.metrics)
    if ports.data_metrics is not None and checked.judged:
        ports.data_metrics.put(data_metrics(baseline, checked.window), now)
    if max(checked.drift.rows, checked.unreadable) >= pipeline.monitoring.min_rows:
        _remember(ports.checks, champion.variant, progress, listed)
    logger.info(checked.drift.verdict, extra={"variant": champion.variant, "rows": checked.drift.rows})
    return {
        name: value
        for name, value in checked.as_document().items()
        if name in ("drifted", "verdict", "summary", "drifted_features", "rows", "variant", "report_key")
    }


def _check(
    pipeline: Pipeline,
    champion: Champion,
    baseline: Profile,
    calibration: Calibration | None,
    window: CapturedProfile,
    now: datetime,
) -> Checked:
    drift = compare(
        baseline,
        window.profile,
        calibration=calibration,
        false_alarm_rate=pipeline.monitoring.false_alarm_rate,
        smallest_effect=pipeline.monitoring.smallest_effect,
        min_rows=pipeline.monitoring.min_rows,
    )
    return Checked(
        pipeline=pipeline.name,
        endpoint=f"headrace-{pipeline.name}",
        variant=champion.variant,
        checked_at=now,
        span=window.span,
        requests=window.requests,
        unreadable=window.unreadable,
        duplicates=window.duplicates,
        window=window.profile,
        drift=drift,
        violations=constraint_violations(baseline, window.profile, drift),
    )


def _report(pipeline: Pipeline, ports: Ports, baseline: Profile, checked: Checked) -> None:
    """Write the page, the report that names it, and one line into the history of checks."""
    report, reports = checked.as_document(), ports.reports
    history = with_check(reports.load(HISTORY), drift_in_short(report))
    report["page_key"] = draw_page(
        pipeline, report, (baseline, checked.window), history, reports, ports.metrics
    )
    reports.store(checked.key, report)
    reports.store(checked.violations_key, checked.violations)
    reports.store(LATEST, report)
    reports.store(HISTORY, history)


def _calibration(document: Mapping[str, Any]) -> Calibration | None:
    """Return what is known of the reference's own windows; None of a model that was trained before they were looked at."""
    return Calibration.from_dict(document["calibration"]) if "calibration" in document else None


def _remember(checks: Checks, variant: str, progress: Progress, listed: Sequence[StoredObject]) -> None:
    try:
        checks.save(variant, replace(progress, checkpoint=progress.checkpoint.advanced(listed)))
    except OvertakenError as error:
        # It saw the same profiles, or more of them: its checkpoint stays.
        logger.info(str(error))


def _emit_ages(ports: Ports, now: datetime) -> None:
    """Emit how long ago, in hours, the endpoint answered last and a file was accepted last; nothing before the first."""
    times = {"PredictionAge": ports.predictions.time(), "DataAge": ports.files.last_accepted()}
    ages = {name: max(0.0, (now - time) / _HOUR) for name, time in times.items() if time}
    ports.metrics.put(ages, unit=Unit.NoUnit)


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


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    pipeline, ports = _deps()
    return check_drift(pipeline, ports, datetime.now(UTC))
