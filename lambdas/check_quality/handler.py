"""Say how good the model in service is: from its scores at once, from labels as soon as they come."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import boto3
import numpy as np
import pyarrow as pa
from aws_lambda_powertools import Logger

from headrace.aws.artifacts import Artifacts
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.quality_data import QualityData, RowFile
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.arrays import Floats
from headrace.ml.quality.judge import Tolerance, judge_estimated, judge_labelled
from headrace.ml.quality.performance import Performance
from headrace.ml.quality.score_counts import count_scores
from headrace.ml.quality.score_windows import ScoreWindow, ScoreWindows
from lambdas.check_quality.labelled_window import LabelledWindow
from lambdas.check_quality.report import Checked

logger = Logger()

LATEST = "quality/latest.json"
_OLDEST_PREDICTION = timedelta(days=365)


class Champions(Protocol):
    """What this function needs from the ledger of models."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...


class Rows(Protocol):
    """What this function needs of the recorded predictions."""

    def prediction_files(self, variant: str, first_day: date) -> list[RowFile]:
        """Return the files of a variant's predictions from a day on."""
        ...

    def labelled_files(self, variant: str, first_day: date) -> list[RowFile]:
        """Return the files of a variant's labelled predictions."""
        ...

    def scores(self, file: RowFile) -> Floats:
        """Return the scores of a file of predictions."""
        ...

    def rows(self, file: RowFile, columns: Sequence[str]) -> pa.Table:
        """Return columns of a file, without those that it does not have."""
        ...


class Documents(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write the document."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float], *, unit: Unit = ...) -> None:
        """Emit values."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    champions: Champions
    rows: Rows
    documents: Documents
    metrics: Metrics


@cache
def _deps() -> tuple[Pipeline, Ports]:
    pipeline = bundled_pipeline()
    client, bucket = boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"]
    return pipeline, Ports(
        champions=TrainingLog(boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])),
        rows=QualityData(client, bucket),
        documents=Artifacts(client, bucket),
        metrics=PipelineMetrics(pipeline.name),
    )


def check_quality(pipeline: Pipeline, ports: Ports, now: datetime) -> dict[str, Any]:
    """Check the model in service; return the verdict in a few words.

    The report is written before the metrics, because an alarm on them is explained from the report, and what is remembered
    for the next check after both, so that a check that fails on the way is done again.
    """
    champion = ports.champions.champion()
    if champion is None:
        return _nothing("no model is in service yet")
    document = ports.documents.load(f"baselines/{champion.variant}/performance.json")
    if document is None:
        return _nothing(f"of model {champion.variant} no reference performance is known")
    performance = Performance.from_dict(document)
    state_key = f"quality/state/{champion.variant}.json"
    state = ports.documents.load(state_key) or {}
    quality = pipeline.monitoring.quality
    keep = timedelta(hours=quality.window_hours)
    tolerance = Tolerance(quality.tolerated_drop, pipeline.monitoring.min_rows, quality.min_labels)
    scores = _recent_scores(ports.rows, champion, ScoreWindows.from_list(state.get("scores", ())), now, keep)
    labelled = _labelled(ports.rows, champion, performance, now, keep)
    moved = _moved(ports.documents, champion)
    checked = Checked(
        pipeline.name,
        champion.variant,
        now,
        performance,
        moved,
        judge_estimated(performance, [window.counts for window in scores.windows], moved, tolerance),
        judge_labelled(performance, labelled.rows, labelled.segments, tolerance),
    )
    if checked.says_something:
        ports.documents.store(checked.key, checked.as_document())
        ports.documents.store(LATEST, checked.as_document())
    ports.metrics.put(checked.figures(), unit=Unit.NoUnit)
    ports.documents.store(state_key, {"scores": scores.as_list()})
    logger.info("checked", extra={"variant": champion.variant, "dropped": checked.dropped})
    return {
        name: value
        for name, value in checked.as_document().items()
        if name in ("dropped", "summary", "variant", "report_key")
    }


def _recent_scores(
    rows: Rows, champion: Champion, before: ScoreWindows, now: datetime, keep: timedelta
) -> ScoreWindows:
    """Add the scores of the files that no earlier check has read."""
    listed = rows.prediction_files(champion.variant, (now - keep).date())
    new = [file for file in listed if file.modified > now - keep and file.digest not in before.seen]
    counts = sum((count_scores(rows.scores(file)) for file in new), start=count_scores(np.empty(0)))
    return before.with_next(ScoreWindow(now, frozenset(file.digest for file in new), counts), keep)


def _labelled(
    rows: Rows, champion: Champion, performance: Performance, now: datetime, keep: timedelta
) -> LabelledWindow:
    """Read the predictions whose labels came within the window."""
    files = rows.labelled_files(champion.variant, (now - _OLDEST_PREDICTION).date())
    window = LabelledWindow(performance, now - keep)
    for file in files:
        if file.modified > now - keep:
            window.add(rows.rows(file, window.columns))
    return window


def _moved(documents: Documents, champion: Champion) -> float:
    """Return by which share of rows the features have moved, as the last drift check of the same model found."""
    report = documents.load("drift/latest.json")
    if report is None or report.get("variant") != champion.variant:
        return 0.0
    return max((float(feature["effect"]) for feature in report.get("features", ())), default=0.0)


def _nothing(why: str) -> dict[str, Any]:
    logger.info(why)
    return {"dropped": False, "summary": [why]}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return check_quality(*_deps(), datetime.now(UTC))
