"""What a metric was on rows whose labels have come, with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from headrace.ml.arrays import Flags, Floats, Labels
from headrace.ml.column_schema import Problem
from headrace.ml.quality.counted_metrics import BINARY
from headrace.ml.quality.intervals import (
    Measured,
    bootstrap_counts,
    bootstrap_sums,
    delong,
    inflation_of,
    mean_of,
    wilson,
)
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.score_counts import count_scores

_TINY = float(np.finfo(np.float64).eps)


def measure_quality(rows: Labelled) -> dict[str, Measured]:
    """Measure every metric that recorded answers allow.

    Intervals are wider by as much as mistakes follow each other in time. Of a multiclass model the probability of the
    answered label alone is recorded, so its log loss is not known.

    Parameters
    ----------
    rows : Labelled
        At least one row.

    Returns
    -------
    dict of str to Measured
        By metric, without those that have no value, such as ROC AUC of one label.

    Examples
    --------
    >>> answers = np.array([1.0, 2.0, 3.0])
    >>> found = measure_quality(Labelled("regression", answers + 1, answers, answers))
    >>> found["rmse"].value, found["mae"].value
    (1.0, 1.0)
    """
    inflation = inflation_of(rows.loss)
    found = _BY_PROBLEM[rows.problem](rows, inflation)
    return {
        name: measured
        for name, measured in found.items()
        if math.isfinite(measured.value) and math.isfinite(measured.sd)
    }


def _regression(rows: Labelled, inflation: float) -> dict[str, Measured]:
    truth = np.asarray(rows.truth, dtype=np.float64)
    shifted, errors = truth - truth.mean(), truth - rows.score
    sums = np.column_stack(
        [np.square(errors), np.abs(errors), shifted, np.square(shifted), np.ones(len(errors))]
    )
    return {
        "rmse": bootstrap_sums(sums, lambda s: np.sqrt(s[..., 0] / s[..., 4]), inflation, lowest=0.0),
        "mae": bootstrap_sums(sums, lambda s: s[..., 1] / s[..., 4], inflation, lowest=0.0),
        "r2": bootstrap_sums(sums, _r2, inflation),
    }


def _r2(sums: Floats) -> Floats:
    spread = sums[..., 3] - np.square(sums[..., 2]) / sums[..., 4]
    return np.where(spread > 0, 1.0 - sums[..., 0] / np.where(spread > 0, spread, 1.0), np.nan)


def _binary(rows: Labelled, inflation: float) -> dict[str, Measured]:
    known = np.isfinite(rows.score)
    scores, truth = rows.score[known], rows.positive[known]
    found = {"accuracy": _accuracy(rows, inflation), "f1": _f1(rows, inflation)}
    if not len(scores):
        return found
    counts = np.concatenate([count_scores(scores, truth), count_scores(scores, ~truth)]).astype(np.float64)
    half = len(counts) // 2
    precision = BINARY["average_precision"].value
    return {
        "roc_auc": delong(scores, truth, inflation),
        "log_loss": mean_of(_log_losses(scores, truth), inflation),
        "average_precision": bootstrap_counts(
            counts, lambda c: precision(c[..., :half], c[..., half:]), inflation, lowest=0.0
        ),
        **found,
    }


def _multiclass(rows: Labelled, inflation: float) -> dict[str, Measured]:
    return {"accuracy": _accuracy(rows, inflation), "f1_macro": _f1_macro(rows, inflation)}


def _accuracy(rows: Labelled, inflation: float) -> Measured:
    return wilson(int(np.sum(rows.truth == rows.predicted)), rows.rows, inflation)


def _f1(rows: Labelled, inflation: float) -> Measured:
    is_one, named = rows.positive, rows.predicted == rows.classes[1]
    cells = [np.sum(is_one & named), np.sum(is_one ^ named), np.sum(~is_one & ~named)]
    return bootstrap_counts(np.array(cells, dtype=np.float64), _f1_of_cells, inflation, lowest=0.0)


def _f1_of_cells(cells: Floats) -> Floats:
    named = 2 * cells[..., 0] + cells[..., 1]
    return np.where(named > 0, 2 * cells[..., 0] / np.maximum(named, 1), 0.0)


def _f1_macro(rows: Labelled, inflation: float) -> Measured:
    labels, codes = np.unique(np.concatenate([rows.truth, rows.predicted]).astype(str), return_inverse=True)
    k = len(labels)
    cells = np.bincount(codes[: rows.rows] * k + codes[rows.rows :], minlength=k * k).astype(np.float64)

    def macro(counts: Floats) -> Floats:
        table = counts.reshape(*counts.shape[:-1], k, k)
        hits = np.einsum("...ii->...i", table)
        named = table.sum(-1) + table.sum(-2)
        mean: Floats = np.where(named > 0, 2 * hits / np.maximum(named, 1), np.nan)
        summed: Floats = np.nanmean(mean, -1)
        return summed

    return bootstrap_counts(cells, macro, inflation, lowest=0.0)


def _log_losses(scores: Floats, positive: Flags) -> Floats:
    of_truth = np.clip(np.where(positive, scores, 1 - scores), _TINY, 1 - _TINY)
    losses: Floats = -np.log(of_truth)
    return losses


def best_constant(problem: Problem, truth: Floats | Labels, classes: tuple[str, ...]) -> dict[str, float]:
    """Return what the best answer that is always the same would reach: what a model is worth starts there.

    Examples
    --------
    >>> truth = np.array(["no", "no", "no", "yes"])
    >>> best_constant("binary", truth, ("no", "yes"))["accuracy"]
    0.75
    """
    if problem == "regression":
        values = np.asarray(truth, dtype=np.float64)
        return {
            "rmse": float(values.std()),
            "mae": float(np.abs(values - np.median(values)).mean()),
            "r2": 0.0,
        }
    labels, counts = np.unique(truth, return_counts=True)
    shares = counts / counts.sum()
    most = float(shares.max())
    if problem == "multiclass":
        return {"accuracy": most, "f1_macro": 2 * most / (1 + most) / len(labels)}
    one = float(np.mean(truth == classes[1]))
    return {
        "roc_auc": 0.5,
        "accuracy": most,
        "f1": 2 * one / (1 + one),
        "log_loss": float(-np.sum(shares * np.log(shares))),
        "average_precision": one,
    }


_BY_PROBLEM: Mapping[Problem, Callable[[Labelled, float], dict[str, Measured]]] = {
    "regression": _regression,
    "binary": _binary,
    "multiclass": _multiclass,
}
