"""One check of the quality of the model in service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import pyarrow as pa

from headrace.aws.logs import function_logger
from headrace.aws.metrics import Unit
from headrace.aws.quality_data import RowFile
from headrace.aws.training_log import Champion
from headrace.config.pipeline import Pipeline
from headrace.ml.quality.concept import ConceptWatch
from headrace.ml.quality.judge import Tolerance, judge_estimated, judge_labelled
from headrace.ml.quality.performance import Performance, Reference
from headrace.ml.quality.recent_windows import RecentWindow, RecentWindows
from headrace.ml.recent_checks import quality_in_short, with_check
from lambdas.check_quality.labelled_window import LabelledWindow, columns_of
from lambdas.check_quality.report import Checked

logger = function_logger()

LATEST, HISTORY = "quality/latest.json", "quality/history.json"
MOST_ROWS = 500_000
"""Labelled predictions that are measured: of more, those of the files that were written last."""

_OLDEST_PREDICTION, _OVERLAP = timedelta(days=365), timedelta(hours=1)


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


@dataclass(frozen=True)
class Memory:
    """What one check leaves for the next.

    Parameters
    ----------
    windows : RecentWindows
        Summaries of the predictions of the last hours.
    labels : dict of str to int
        How many rows of each file of labelled predictions have been seen, by the file's digest.
    concept : ConceptWatch
        What all labels so far say.
    checked_at : datetime or None
        When it was; None before the first check.
    """

    windows: RecentWindows
    labels: Mapping[str, int]
    concept: ConceptWatch
    checked_at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "windows": self.windows.as_list(),
            "labels": dict(self.labels),
            "concept": self.concept.as_dict(),
            "checked_at": self.checked_at.isoformat() if self.checked_at else None,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any] | None) -> Memory:
        """Read what `as_dict` wrote; None is the first check."""
        if document is None:
            return cls(RecentWindows(), {}, ConceptWatch())
        return cls(
            RecentWindows.from_list(document["windows"]),
            document["labels"],
            ConceptWatch.from_dict(document["concept"]),
            datetime.fromisoformat(document["checked_at"]),
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
    place = f"quality/state/{champion.variant}.json"
    before = Memory.from_dict(ports.documents.load(place))
    checked, memory = _check(pipeline, ports, champion, Performance.from_dict(document), before, now)
    if checked.says_something:
        report = checked.as_document()
        history = with_check(ports.documents.load(HISTORY), quality_in_short(report))
        for key, written in ((checked.key, report), (LATEST, report), (HISTORY, history)):
            ports.documents.store(key, written)
    ports.metrics.put(checked.figures(), unit=Unit.NoUnit)
    ports.documents.store(place, memory.as_dict())
    logger.info("checked", extra={"variant": champion.variant, "dropped": checked.dropped})
    return checked.in_short()


def _check(
    pipeline: Pipeline,
    ports: Ports,
    champion: Champion,
    performance: Performance,
    before: Memory,
    now: datetime,
) -> tuple[Checked, Memory]:
    quality = pipeline.monitoring.quality
    keep, reference = timedelta(hours=quality.window_hours), performance.reference
    tolerance = Tolerance(quality.tolerated_drop, pipeline.monitoring.min_rows, quality.min_labels)
    windows = (
        _recent(ports.rows, champion, reference, before.windows, now, keep) if reference else before.windows
    )
    labelled, seen = _labelled(ports.rows, champion, performance, before, now - keep, now)
    mistakes, concept = labelled.mistakes, before.concept
    if reference and mistakes:
        concept = concept.following(reference.expectation, mistakes)
    moved = _moved(ports.documents, champion)
    checked = Checked(
        pipeline=pipeline.name,
        variant=champion.variant,
        checked_at=now,
        performance=performance,
        moved=moved,
        estimated=judge_estimated(performance, windows.summaries, moved, tolerance),
        measured=judge_labelled(performance, labelled.rows, labelled.segments, tolerance),
        concept=concept.finding(reference.expectation) if reference and concept.rows else None,
    )
    return checked, Memory(windows, seen, concept, now)


def _recent(
    rows: Rows,
    champion: Champion,
    reference: Reference,
    before: RecentWindows,
    now: datetime,
    keep: timedelta,
) -> RecentWindows:
    """Add the predictions of the files that no earlier check has read."""
    listed, seen = rows.prediction_files(champion.variant, (now - keep).date()), before.seen
    new = [file for file in listed if file.modified > now - keep and file.digest not in seen]
    summaries = [
        reference.summary(columns_of(rows.rows(file, reference.columns), reference.columns)) for file in new
    ]
    if not summaries:
        return before.until(now, keep)
    window = RecentWindow(now, frozenset(file.digest for file in new), sum(summaries[1:], start=summaries[0]))
    return before.with_next(window, keep)


def _labelled(
    rows: Rows,
    champion: Champion,
    performance: Performance,
    before: Memory,
    since: datetime,
    now: datetime,
) -> tuple[LabelledWindow, dict[str, int]]:
    """Read the files of labelled predictions that have changed since, and say how many rows of each are known now.

    What was written since the last check is read in any case: it holds the labels that nobody has seen.
    """
    files = rows.labelled_files(champion.variant, (now - _OLDEST_PREDICTION).date())
    window = LabelledWindow(performance, since)
    seen = {file.digest: before.labels.get(file.digest, 0) for file in files}
    new = before.checked_at - _OVERLAP if before.checked_at else since
    for file in sorted(files, key=lambda file: file.modified, reverse=True):
        if file.modified > since and (file.modified > new or window.read < MOST_ROWS):
            table = rows.rows(file, window.columns)
            window.add(table, seen[file.digest])
            seen[file.digest] = table.num_rows
    return window, seen


def _moved(documents: Documents, champion: Champion) -> float:
    """Return by which share of rows the features have moved, as the last drift check of the same model found."""
    report = documents.load("drift/latest.json")
    if report is None or report.get("variant") != champion.variant:
        return 0.0
    return max((float(feature["effect"]) for feature in report.get("features", ())), default=0.0)


def _nothing(why: str) -> dict[str, Any]:
    logger.info(why)
    return {"dropped": False, "concept_drifted": False, "summary": [why]}
