"""Cross-validates the whole path from raw cells to answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.config.evidence import fold_kind
from headrace.ml.arrays import Floats, Hashes
from headrace.ml.evidence.cross_validation import COVERAGE, summarise_folds
from headrace.ml.evidence.folds import Fold, hashed_folds, ordered_folds, stopping_rows
from headrace.ml.evidence.row_sketch import feature_hashes
from headrace.ml.metrics import Predictions, measure
from headrace.ml.rows import Columns
from sagemaker_jobs.evidence.job import Trained, read_with, refit
from sagemaker_jobs.parts import Part, answer_part

MOST_ROWS = 200_000
"""More rows are cross-validated by so many of them, chosen by hash: a fold is a copy of most rows, in memory."""


@dataclass(frozen=True)
class _Rows:
    """All rows, and what they are dealt by."""

    part: Part
    hashes: Hashes
    moments: Any = None


def cross_validation_of(trained: Trained) -> dict[str, Any] | None:
    """Fit once for each fold, and measure each model on the rows that it has not seen; None if nobody has asked.

    Features are learnt anew in each fold. Where learning stops early, rows of the fold's training part decide when: a share of
    them as large as that of the validation part, by hash or, by time, the last ones.
    """
    pipeline = trained.spec.pipeline
    block = pipeline.evaluation.cross_validation
    if block is None or trained.stream is not None:
        return None
    kind, rows = fold_kind(pipeline), _gathered(trained)
    answered = [_answered(trained, rows, fold) for fold in _folds(trained, kind, rows)]
    measured = [measure(trained.recipe.problem, predictions) for predictions, _ in answered]
    test_rows = float(np.mean([len(predictions.truth) for predictions, _ in answered]))
    train_rows = float(np.mean([count for _, count in answered]))
    pooled = measure(trained.recipe.problem, _pooled([predictions for predictions, _ in answered]))
    return {
        "folds": block.folds,
        "repeats": block.repeats,
        "by": kind,
        "over": block.over,
        "rows": rows.part.rows,
        "coverage": COVERAGE,
        "pooled": {name: value for name, value in pooled.items() if np.isfinite(value)},
        **summarise_folds(measured, train_rows, test_rows),
    }


def _gathered(trained: Trained) -> _Rows:
    """Read training and validation rows, and the test part if it is wanted, with the column by which they are dealt."""
    pipeline, spec = trained.spec.pipeline, trained.spec
    kind = fold_kind(pipeline)
    by = {"group": pipeline.split.group, "time": pipeline.time}.get(kind)
    block = pipeline.evaluation.cross_validation
    names = ["train", "validation", *(["test"] if block and block.over == "all" else [])]
    read = [read_with(trained.channels / name, spec, by) for name in names]
    part = _united([each for each, _ in read])
    cells: Any = None if by is None else np.concatenate([each for _, each in read])
    if kind == "group" and cells is not None:
        hashes = feature_hashes({"by": cells}, ["by"])
    else:
        hashes = feature_hashes(part.columns, [column.name for column in spec.schema])
    rows = _Rows(part, hashes, cells if kind == "time" else None)
    return _bounded(rows)


def _united(parts: list[Part]) -> Part:
    columns: Columns = {
        name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns
    }
    weighted = [part.weights if part.weights is not None else np.ones(part.rows) for part in parts]
    weights = np.concatenate(weighted) if any(part.weights is not None for part in parts) else None
    return Part(columns, np.concatenate([part.target for part in parts]), weights)


def _bounded(rows: _Rows) -> _Rows:
    if rows.part.rows <= MOST_ROWS:
        return rows
    chosen = np.zeros(rows.part.rows, dtype=bool)
    chosen[np.argsort(rows.hashes, kind="stable")[:MOST_ROWS]] = True
    moments = None if rows.moments is None else rows.moments[chosen]
    return _Rows(rows.part.chosen(chosen), rows.hashes[chosen], moments)


def _folds(trained: Trained, kind: str, rows: _Rows) -> Iterator[Fold]:
    block = trained.spec.pipeline.evaluation.cross_validation
    assert block is not None
    if rows.moments is not None:
        found = ordered_folds(rows.moments, block.folds)
    else:
        # Few groups take turns, as the rows of a label do: by their hashes alone a fold could stay empty.
        turns = {"stratified": rows.part.target, "group": np.zeros(rows.part.rows)}.get(kind)
        labels = None if turns is None else np.asarray(turns)
        found = hashed_folds(rows.hashes, block.folds, block.repeats, trained.recipe.seed, labels)
    return (fold for fold in found if fold.test.any() and fold.train.any())


def _answered(trained: Trained, rows: _Rows, fold: Fold) -> tuple[Predictions, int]:
    """Fit one fold, and answer its test rows."""
    share = trained.spec.pipeline.split.validation_share
    stops = stopping_rows(rows.hashes, fold.train, share, rows.moments)
    model = refit(trained.recipe, rows.part.chosen(fold.train & ~stops), rows.part.chosen(stops))
    predictions = answer_part(model, rows.part.chosen(fold.test))
    metric = trained.spec.pipeline.metric
    value = measure(trained.recipe.problem, predictions)[metric]
    learnt = int(fold.train.sum())
    print(  # noqa: T201 - the job's log
        f"Cross-validation, fold {fold.number + 1}: {metric} {value:.6g} on {len(predictions.truth)} rows, {learnt} learnt.",
        flush=True,
    )
    return predictions, learnt


def _pooled(parts: list[Predictions]) -> Predictions:
    """Return the answers of all folds as one; a label that a fold has not seen has no chance there."""
    classes = tuple(sorted({label for part in parts for label in part.classes}))
    truth = np.concatenate([part.truth for part in parts])
    return Predictions(truth, np.concatenate([_aligned(part, classes) for part in parts]), classes)


def _aligned(part: Predictions, classes: tuple[str, ...]) -> Floats:
    if part.classes == classes:
        return part.values
    values = np.zeros((len(part.truth), len(classes)))
    values[:, [classes.index(label) for label in part.classes]] = part.values
    return values
