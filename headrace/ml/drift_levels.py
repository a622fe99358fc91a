"""Compares how often levels occur in two samples, and how many cells are missing: p-values that hold for rare levels too."""

from __future__ import annotations

import math

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.statistics import chi_square_survival

_LEAST_EXPECTED = 2.0
_EXACT_BELOW = 50.0


def levels_p_value(first: Ints, second: Ints, inflation: float = 1.0) -> float:
    r"""Return the p-value that two samples have the same shares of levels.

    Pearson's chi-square of the two-sample table [1]_. Levels that are expected less than twice in the smaller sample are
    pooled, together with the last one, which stands for all levels that the first sample did not have. Its law is matched in
    mean, variance and skewness by Pearson's type III [2]_, each level counting as binomial among its rows of both samples:
    the usual chi-square law has too light a tail where counts are small. With two levels, one of them rare, Fisher's exact
    test takes its place.

    Parameters
    ----------
    first, second : ndarray of shape (n_levels,)
        Counts in the two samples: of each level, then of all others.
    inflation : float
        Rows that weigh as much as one independent row; counts are divided by it.

    Returns
    -------
    float
        In [0, 1]; 1 if fewer than two levels are left.

    References
    ----------
    .. [1] Pearson, K. (1911). On the probability that two independent distributions are random samples from the same
       population. Biometrika 8.
    .. [2] Haldane, J. B. S. (1940). The mean and variance of chi-squared, when used as a test of homogeneity, when
       expectations are small. Biometrika 31.

    Examples
    --------
    >>> round(levels_p_value(np.array([300, 700, 0]), np.array([350, 650, 0])), 4)
    0.017
    """
    table = np.vstack([first, second]) / inflation
    table = _pooled(table)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or table.sum(axis=1).min() <= 0:  # noqa: PLR2004 - nothing to compare
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if table.shape[1] == 2 and expected.min() < _EXACT_BELOW:  # noqa: PLR2004 - a fourfold table
        rows_first, rows_second = table.sum(axis=1)
        return exact_p_value(table[0, 0], rows_first, table[1, 0], rows_second)
    statistic = float(np.sum(np.square(table - expected) / expected))
    return _type_three_survival(statistic, *_cumulants(table))


def _pooled(table: Floats) -> Floats:
    """Add up the levels that are hardly expected in the smaller sample; if still too rare, they join the rarest other."""
    totals = table.sum(axis=0)
    smaller = table.sum(axis=1).min() / table.sum() if table.size else 0.0
    rare = totals * smaller < _LEAST_EXPECTED
    rare[-1] = True
    kept, pooled = table[:, ~rare], table[:, rare].sum(axis=1, keepdims=True)
    if pooled.sum() * smaller < _LEAST_EXPECTED and kept.shape[1]:
        kept[:, [int(np.argmin(kept.sum(axis=0)))]] += pooled
        return kept
    return np.hstack([kept, pooled])


def _cumulants(table: Floats) -> tuple[float, float, float]:
    """Return mean, variance and third central moment of the chi-square of tables with these margins.

    Those of a squared binomial deviate exceed the 2 and 8 of a normal one by its fourth cumulant, and by
    12 fourth + 10 third squared + sixth cumulants.
    """
    totals, rows = table.sum(axis=0), table.sum(axis=1)
    spread = float(rows[0] * rows[1] / rows.sum() ** 2)
    variance = totals * spread
    fourth = (1.0 - 6.0 * spread) / variance
    third_squared = (1.0 - 4.0 * spread) / variance
    sixth = (1.0 - 30.0 * spread + 120.0 * spread**2) / np.square(variance)
    weight = np.square(1.0 - totals / totals.sum())
    degrees = len(totals) - 1.0
    more_skew = np.sum(weight * (12.0 * fourth + 10.0 * third_squared + sixth))
    return degrees, 2.0 * degrees + float(np.sum(weight * fourth)), 8.0 * degrees + float(more_skew)


def _type_three_survival(statistic: float, mean: float, variance: float, third: float) -> float:
    if third <= 0:
        return chi_square_survival(statistic, mean)
    scale = 4.0 * variance / third
    degrees = variance * scale**2 / 2.0
    return chi_square_survival(max(0.0, degrees + (statistic - mean) * scale), degrees)


def unseen_p_value(first: Ints, second: Ints, inflation: float = 1.0) -> float:
    r"""Return the p-value that the second sample has no more unknown levels than it would have anyway.

    As many rows as there are levels that the first sample has once would be new to the others of it (Good and Turing
    [1]_); Fisher's test compares their share with that of the rows that are new in the second.

    Parameters
    ----------
    first, second : ndarray of shape (n_levels,)
        Counts in the two samples: of each level, then of all others.
    inflation : float
        Rows that weigh as much as one independent row; counts are divided by it.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    .. [1] Good, I. J. (1953). The population frequencies of species and the estimation of population parameters.
       Biometrika 40.

    Examples
    --------
    >>> round(unseen_p_value(np.array([990, 9, 1, 0]), np.array([95, 1, 0, 4])), 4)
    0.0006
    """
    expected = first[-1] + np.count_nonzero(first[:-1] == 1)
    return exact_p_value(
        expected / inflation, first.sum() / inflation, second[-1] / inflation, second.sum() / inflation
    )


def total_variation(first: Ints, second: Ints, inflation: float = 1.0) -> float:
    r"""Return the share of rows that changed their level, less what chance alone would show.

    .. math:: \sqrt{\max(0, V^2 - E_0[V]^2)}, \quad V = \tfrac12 \sum_l |p_l - q_l|, \quad
        E_0[V] = \tfrac12 \sum_l \sqrt{2 p_l (1 - p_l) / (\pi n_e)}

    Parameters
    ----------
    first, second : ndarray of shape (n_levels,)
        Counts in the two samples, each with a row at least.
    inflation : float
        Rows that weigh as much as one independent row.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(total_variation(np.array([50_000, 50_000]), np.array([60_000, 40_000])), 3)
    0.1
    >>> total_variation(np.array([50, 50]), np.array([52, 48]))
    0.0
    """
    rows = np.array([first.sum(), second.sum()], dtype=np.float64)
    shares = (first + second) / rows.sum()
    moved = np.abs(first / rows[0] - second / rows[1]).sum() / 2.0
    noise = np.sqrt(shares * (1.0 - shares) * inflation * (1.0 / rows).sum()).sum() / math.sqrt(2.0 * math.pi)
    return math.sqrt(max(0.0, float(moved**2 - noise**2)))


def exact_p_value(first: float, rows_first: float, second: float, rows_second: float) -> float:
    r"""Return Fisher's p-value that two samples have the same share of something.

    Twice the smaller tail of the hypergeometric law, at most 1. Counts need not be whole: they are rounded.

    Parameters
    ----------
    first, second : float
        Rows that have it.
    rows_first, rows_second : float
        All rows.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    .. [1] Fisher, R. A. (1935). The logic of inductive inference. J. R. Stat. Soc. 98.

    Examples
    --------
    >>> round(exact_p_value(0, 5000, 3, 1000), 4)  # twice 1000 * 999 * 998 / (6000 * 5999 * 5998)
    0.0092
    """
    having = round(first) + round(second)
    rows = round(rows_first) + round(rows_second)
    drawn = round(rows_second)
    found = round(second)
    lower = _one_sided(drawn - found, rows, rows - having, drawn)
    return min(1.0, 2.0 * min(_one_sided(found, rows, having, drawn), lower))


def _one_sided(found: int, rows: int, having: int, drawn: int) -> float:
    """Return the probability that at least `found` of `drawn` rows have what `having` of all `rows` have."""
    least, most = max(0, drawn + having - rows), min(drawn, having)
    if found <= least:
        return 1.0
    k = np.arange(least, most, dtype=np.float64)
    with np.errstate(divide="ignore"):
        ratios = np.log((having - k) * (drawn - k)) - np.log((k + 1.0) * (rows - having - drawn + k + 1.0))
    logs = np.concatenate([[0.0], np.cumsum(ratios)])
    shares = np.exp(logs - logs.max())
    return float(shares[found - least :].sum() / shares.sum())
