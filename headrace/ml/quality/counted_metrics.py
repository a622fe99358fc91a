"""Metrics of a classifier from counts of positive and negative rows by score, and how they move with one row more.

All take counts of shape (..., n_bins), in the order of :data:`headrace.ml.quality.score_counts.CENTRES`, and answer for each
leading index. Counts may be expected ones, and need not be whole. Rows of one bin are tied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from headrace.ml.arrays import Flags, Floats
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


def _accuracy(above: Flags, positives: Floats, negatives: Floats) -> Floats:
    right = np.where(above, positives, negatives).sum(-1)
    return _ratio(right, positives.sum(-1) + negatives.sum(-1))


def _accuracy_slope(above: Flags, positives: Floats, negatives: Floats) -> Floats:
    slope: Floats = np.where(above, 1.0, -1.0) / (positives.sum() + negatives.sum())
    return slope


def _correct(positives: Floats, negatives: Floats) -> Floats:
    return _ratio(positives.sum(-1), positives.sum(-1) + negatives.sum(-1))


def _correct_slope(positives: Floats, negatives: Floats) -> Floats:
    return np.full(len(CENTRES), 1.0 / (positives.sum() + negatives.sum()))


def _f1(above: Flags, positives: Floats, negatives: Floats) -> Floats:
    hits = (positives * above).sum(-1)
    named = ((positives + negatives) * above).sum(-1) + positives.sum(-1)
    return np.where(named > 0, _ratio(2 * hits, named), 0.0)


def _f1_slope(above: Flags, positives: Floats, negatives: Floats) -> Floats:
    hits = (positives * above).sum()
    named = ((positives + negatives) * above).sum() + positives.sum()
    slope: Floats = 2 * above / named - 2 * hits / named**2
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


def binary_metrics(threshold: float | None = None) -> dict[str, CountedMetric]:
    """Return the metrics of two labels; scores are probabilities of the second.

    Parameters
    ----------
    threshold : float, optional
        The probability from which the second label is answered; the bin that it lies in counts to one side as a whole, and is
        at most 0.6 of 100 wide.
    """
    above = ABOVE_HALF if threshold is None else threshold <= CENTRES
    return {
        "roc_auc": CountedMetric(_roc_auc, _roc_auc_slope),
        "accuracy": CountedMetric(partial(_accuracy, above), partial(_accuracy_slope, above)),
        "f1": CountedMetric(partial(_f1, above), partial(_f1_slope, above)),
        "log_loss": CountedMetric(_log_loss, _log_loss_slope),
        "average_precision": CountedMetric(_average_precision, _average_precision_slope),
    }


BINARY: dict[str, CountedMetric] = binary_metrics()
"""Metrics of two labels of which the more probable one is answered."""

MULTICLASS: dict[str, CountedMetric] = {"accuracy": CountedMetric(_correct, _correct_slope)}
"""Metrics of more labels; scores are probabilities of the answered label, and a row is positive if it was right."""


def counted_metrics(problem: str, threshold: float | None = None) -> dict[str, CountedMetric]:
    """Return what can be estimated of a problem; see `binary_metrics` for the threshold."""
    return binary_metrics(threshold) if problem == "binary" else MULTICLASS


def _from_the_top(counts: Floats) -> Floats:
    summed: Floats = np.cumsum(counts[..., ::-1], -1)[..., ::-1]
    return summed


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(whole) > 0, np.asarray(part) / whole, np.nan)
