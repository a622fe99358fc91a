"""Estimates both models' quality from their recorded predictions, without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from headrace.ml.arrays import Floats
from headrace.ml.quality.performance import Performance, Reference
from headrace.ml.release.estimated import Comparison, Estimated, compare_estimates
from lambdas.judge_release.labels import Rows, of_release
from lambdas.judge_release.memory import Memory
from lambdas.judge_release.release import Release


class Documents(Protocol):
    """What is needed of the models' documents."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...


def compare_predictions(
    release: Release, memory: Memory, rows: Rows, documents: Documents, *, error: float
) -> tuple[Memory, Comparison | None]:
    """Return the memory with the predictions that were recorded since the last look, and what they say of both models.

    The comparison is None if one of them cannot be estimated.
    """
    models = [
        (variant, _performance(documents, variant)) for variant in (release.champion, release.challenger)
    ]
    for variant, performance in models:
        if performance is not None and performance.reference is not None:
            memory = _add(release, memory, rows, variant, performance.reference)
    champion, challenger = (
        _estimated(performance, memory.summary(variant)) for variant, performance in models
    )
    if champion is None or challenger is None:
        return memory, None
    moved = _moved(documents, release.champion)
    return memory, compare_estimates(champion, challenger, error=error, looks=release.looks, moved=moved)


def _add(release: Release, memory: Memory, rows: Rows, variant: str, reference: Reference) -> Memory:
    files = rows.prediction_files(variant, release.since.date())
    new = [file for file in files if file.digest not in memory.recorded]
    summary = memory.summary(variant)
    for file in new:
        table = of_release(rows.rows(file, [*reference.columns, "_time", "_inference_id"]), release.since)
        columns: Mapping[str, Any] = {
            name: table[name].to_pandas() for name in reference.columns if name in table.column_names
        }
        found: Floats = reference.summary(columns)
        summary = found if summary is None else summary + found
    if summary is None:
        return memory
    return replace(
        memory,
        estimated={**memory.estimated, variant: summary.tolist()},
        recorded=memory.recorded | {file.digest for file in new},
    )


def _performance(documents: Documents, variant: str) -> Performance | None:
    document = documents.load(f"baselines/{variant}/performance.json")
    return Performance.from_dict(document) if document else None


def _estimated(performance: Performance | None, summary: Floats | None) -> Estimated | None:
    return Estimated(performance, summary) if performance is not None and summary is not None else None


def _moved(documents: Documents, variant: str) -> float:
    """Return by which share of rows the traffic's features differ, as the last drift check of the champion found."""
    report = documents.load("drift/latest.json")
    if report is None or report.get("variant") != variant:
        return 0.0
    return max((float(feature["effect"]) for feature in report.get("features", ())), default=0.0)
