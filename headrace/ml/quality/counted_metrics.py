"""Metrics of a classifier from counts of positive and negative rows by score, and how they move with one row more.

All take counts of shape (..., n_bins), in the order of :data:`headrace.ml.quality.score_counts.CENTRES`, and answer for each
leading index. Counts may be expected ones, and need not be whole. Rows of one bin are tied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.quality.score_counts import ABOVE_HALF, CENTRES

_LOG_ODDS: Floats = np.log(CENTRES) - np.log1p(-CENTRES)


@dataclass(frozen=True)
class CountedMetric:
    """One metric of counts.

    Parameters
    ----------
    value : callable
        From positives and negatives to the metric; NaN where it has none.
    slope : callable
        By how much the metric moves if a row of a bin were positive instead of negative, by bin.
    """

    value: Callable[[Floats, Floats], Floats]
    slope: Callable[[Floats, Floats], Floats]


def _roc_auc(positives: Floats, negatives: Floats) -> Floats:
    pairs = positives.sum(-1) * negatives.sum(-1)
    below = np.cumsum(negatives, -1) - negatives / 2
    return _ratio((positives * below).sum(-1), pairs)


def _roc_auc_slope(positives: Floats, negatives: Floats) -> Floats:
    p, n = positives.sum(), negatives.sum()
    below = np.cumsum(negatives) - negatives / 2
    above = p - np.cumsum(positives) + positives / 2
    auc = _roc_auc(positives, negatives)
    slope: Floats = (below - above) / (p * n) - auc / p + auc / n
    return slope


def _accuracy(positives: Floats, negatives: Floats) -> Floats:
    right = np.where(ABOVE_HALF, positives, negatives).sum(-1)
    return _ratio(right, positives.sum(-1) + negatives.sum(-1))


def _accuracy_slope(positives: Floats, negatives: Floats) -> Floats:
    slope: Floats = np.where(ABOVE_HALF, 1.0, -1.0) / (positives.sum() + negatives.sum())
    return slope


def _correct(positives: Floats, negatives: Floats) -> Floats:
    return _ratio(positives.sum(-1), positives.sum(-1) + negatives.sum(-1))


def _correct_slope(positives: Floats, negatives: Floats) -> Floats:
    return np.full(len(CENTRES), 1.0 / (positives.sum() + negatives.sum()))


def _f1(positives: Floats, negatives: Floats) -> Floats:
    hits = (positives * ABOVE_HALF).sum(-1)
    named = ((positives + negatives) * ABOVE_HALF).sum(-1) + positives.sum(-1)
    return np.where(named > 0, _ratio(2 * hits, named), 0.0)


def _f1_slope(positives: Floats, negatives: Floats) -> Floats:
    hits = (positives * ABOVE_HALF).sum()
    named = ((positives + negatives) * ABOVE_HALF).sum() + positives.sum()
    slope: Floats = 2 * ABOVE_HALF / named - 2 * hits / named**2
    return slope


def _log_loss(positives: Floats, negatives: Floats) -> Floats:
    loss = -(positives * np.log(CENTRES) + negatives * np.log1p(-CENTRES)).sum(-1)
    return _ratio(loss, positives.sum(-1) + negatives.sum(-1))


def _log_loss_slope(positives: Floats, negatives: Floats) -> Floats:
    slope: Floats = -_LOG_ODDS / (positives.sum() + negatives.sum())
    return slope


def _average_precision(positives: Floats, negatives: Floats) -> Floats:
    hits, named = _from_the_top(positives), _from_the_top(positives + negatives)
    return _ratio((positives * np.nan_to_num(_ratio(hits, named))).sum(-1), positives.sum(-1))


def _average_precision_slope(positives: Floats, negatives: Floats) -> Floats:
    hits, named = _from_the_top(positives), _from_the_top(positives + negatives)
    below = np.cumsum(np.nan_to_num(_ratio(positives, named)))
    value = _average_precision(positives, negatives)
    slope: Floats = (np.nan_to_num(_ratio(hits, named)) + below - value) / positives.sum()
    return slope


BINARY: dict[str, CountedMetric] = {
    "roc_auc": CountedMetric(_roc_auc, _roc_auc_slope),
    "accuracy": CountedMetric(_accuracy, _accuracy_slope),
    "f1": CountedMetric(_f1, _f1_slope),
    "log_loss": CountedMetric(_log_loss, _log_loss_slope),
    "average_precision": CountedMetric(_average_precision, _average_precision_slope),
}
"""Metrics of two labels; scores are probabilities of the second."""

MULTICLASS: dict[str, CountedMetric] = {"accuracy": CountedMetric(_correct, _correct_slope)}
"""Metrics of more labels; scores are probabilities of the answered label, and a row is positive if it was right."""

METRICS: dict[str, dict[str, CountedMetric]] = {"binary": BINARY, "multiclass": MULTICLASS}
"""What can be estimated, by problem."""


def _from_the_top(counts: Floats) -> Floats:
    summed: Floats = np.cumsum(counts[..., ::-1], -1)[..., ::-1]
    return summed


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(whole) > 0, np.asarray(part) / whole, np.nan)
