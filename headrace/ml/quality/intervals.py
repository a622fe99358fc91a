"""How far a measured metric may be off by the luck of which rows were measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Flags, Floats
from headrace.ml.autocorrelation import variance_inflation

Z_95 = 1.959963984540054
"""Half the width, in standard deviations, of the interval that holds 95 % of a normal distribution."""

_DRAWS, _GROUPS, _SEED = 200, 1000, 7
_ROWS_FOR_DEPENDENCE = 16_384


@dataclass(frozen=True)
class Measured:
    """A metric with its 95 % interval.

    Parameters
    ----------
    value, low, high : float
        In the metric's unit.
    sd : float
        Standard deviation of the value over other rows of the same kind.
    """

    value: float
    low: float
    high: float
    sd: float

    def as_dict(self) -> dict[str, float]:
        """Return it as JSON has it, with six significant digits."""
        return {name: float(f"{figure:.6g}") for name, figure in vars(self).items()}


def inflation_of(values: Floats) -> float:
    """Return how many rows weigh as much as one independent row, by the first 16,384 of them in the order of time.

    Examples
    --------
    >>> inflation_of(np.tile([0.0, 1.0], 500))
    1.0
    """
    return variance_inflation(values[:_ROWS_FOR_DEPENDENCE])


def wilson(hits: int, rows: int, inflation: float = 1.0) -> Measured:
    """Return a share of rows with Wilson's score interval, which stays in [0, 1] and holds for few rows too.

    Parameters
    ----------
    hits, rows : int
        Rows counted, and all of them, at least 1.
    inflation : float
        How many rows weigh as much as one independent row; at least 1.

    References
    ----------
    .. [1] Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22.

    Examples
    --------
    >>> found = wilson(8, 10)
    >>> round(found.low, 3), round(found.high, 3)
    (0.49, 0.943)
    """
    share, n = hits / rows, rows / inflation
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    return Measured(share, max(0.0, centre - half), min(1.0, centre + half), half / Z_95)


def delong(scores: Floats, positive: Flags, inflation: float = 1.0) -> Measured:
    """Return the area under the ROC curve with DeLong's interval, taken on the logit scale so that it stays in [0, 1].

    The variance is that of each row's placement: the share of rows with the other label that it is on the right side of
    [1]_, by mid-ranks in O(n log n) [2]_.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Higher for rows that are more likely positive.
    positive : ndarray of shape (n_rows,)
        The truth.
    inflation : float
        How many rows weigh as much as one independent row; at least 1.

    Returns
    -------
    Measured
        NaN with fewer than two rows of a label.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the areas under two or more correlated
       receiver operating characteristic curves. Biometrics 44.
    .. [2] Sun, X. and Xu, W. (2014). Fast implementation of DeLong's algorithm. IEEE Signal Processing Letters 21.

    Examples
    --------
    >>> found = delong(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    >>> found.value, round(found.sd, 4)
    (0.75, 0.3536)
    """
    up, down = scores[positive], scores[~positive]
    m, n = len(up), len(down)
    if min(m, n) < 2:  # noqa: PLR2004 - a variance needs two
        return Measured(math.nan, math.nan, math.nan, math.nan)
    ranks, of_up, of_down = _mid_ranks(scores), _mid_ranks(up), _mid_ranks(down)
    placed_up = (ranks[positive] - of_up) / n
    placed_down = 1.0 - (ranks[~positive] - of_down) / m
    auc = float(placed_up.mean())
    variance = inflation * float(placed_up.var(ddof=1) / m + placed_down.var(ddof=1) / n)
    return on_logit_scale(auc, math.sqrt(variance))


def on_logit_scale(value: float, sd: float) -> Measured:
    """Return the interval of a figure between 0 and 1 that is symmetric in its log odds.

    Examples
    --------
    >>> found = on_logit_scale(0.9, 0.05)
    >>> round(found.low, 3), round(found.high, 3)
    (0.752, 0.964)
    """
    if not 0.0 < value < 1.0:
        return Measured(value, max(0.0, value - Z_95 * sd), min(1.0, value + Z_95 * sd), sd)
    logit, half = math.log(value / (1 - value)), Z_95 * sd / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-bounded)) for bounded in (max(-700, logit - half), logit + half))
    return Measured(value, low, high, sd)


def mean_of(values: Floats, inflation: float = 1.0) -> Measured:
    """Return a mean with its normal interval.

    Examples
    --------
    >>> mean_of(np.array([1.0, 2.0, 3.0])).value
    2.0
    """
    sd = math.sqrt(inflation * float(values.var()) / len(values))
    value = float(values.mean())
    return Measured(value, value - Z_95 * sd, value + Z_95 * sd, sd)


def bootstrap_sums(
    sums: Floats, metric: Callable[[Floats], Floats], inflation: float = 1.0, *, lowest: float = -math.inf
) -> Measured:
    """Return a metric that depends on the rows by sums alone, with its bootstrap interval.

    The rows are dealt to at most 1,000 groups, and groups are drawn with replacement: as good as drawing rows, and it takes
    no longer for a million of them.

    Parameters
    ----------
    sums : ndarray of shape (n_rows, n_sums)
        What each row adds.
    metric : callable
        From sums of shape (..., n_sums) to values of shape (...).
    inflation : float
        How many rows weigh as much as one independent row; at least 1.
    lowest : float
        The metric is never below.

    References
    ----------
    .. [1] Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap, chapter 13. Chapman & Hall.

    Examples
    --------
    >>> squares = np.random.default_rng(0).normal(size=2000)[:, None] ** 2
    >>> found = bootstrap_sums(np.hstack([squares, np.ones((2000, 1))]), lambda s: np.sqrt(s[..., 0] / s[..., 1]))
    >>> round(found.value, 2), 0.012 < found.sd < 0.019
    (1.0, True)
    """
    groups = min(_GROUPS, len(sums))
    padded = np.zeros((-(-len(sums) // groups) * groups, sums.shape[1]))
    padded[: len(sums)] = sums
    grouped = padded.reshape(-1, groups, sums.shape[1]).sum(axis=0)
    drawn = np.random.default_rng(_SEED).multinomial(groups, np.full(groups, 1 / groups), _DRAWS)
    with np.errstate(invalid="ignore", divide="ignore"):
        value, again = float(metric(sums.sum(axis=0))), metric(drawn @ grouped)
    return _spread(value, again, inflation, lowest)


def bootstrap_counts(
    counts: Floats, metric: Callable[[Floats], Floats], inflation: float = 1.0, *, lowest: float = -math.inf
) -> Measured:
    """Return a metric of a table of counts, such as a confusion matrix, with its bootstrap interval.

    Parameters
    ----------
    counts : ndarray of shape (n_cells,)
        Rows in each cell.
    metric : callable
        From counts of shape (..., n_cells) to values of shape (...).
    inflation, lowest : float
        As in `bootstrap_sums`.
    """
    rows, full = int(counts.sum()), np.flatnonzero(counts)
    drawn = np.zeros((_DRAWS, len(counts)))
    drawn[:, full] = np.random.default_rng(_SEED).multinomial(rows, counts[full] / rows, _DRAWS)
    return _spread(float(metric(counts)), metric(drawn), inflation, lowest)


def _spread(value: float, again: Floats, inflation: float, lowest: float) -> Measured:
    found = again[np.isfinite(again)]
    if not math.isfinite(value) or len(found) < _DRAWS // 2:
        return Measured(value, math.nan, math.nan, math.nan)
    wider = math.sqrt(inflation)
    low, high = (value + wider * (float(limit) - value) for limit in np.quantile(found, [0.025, 0.975]))
    return Measured(value, max(lowest, min(low, value)), max(high, value), wider * float(found.std()))


def _mid_ranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[index]
    return ranks
