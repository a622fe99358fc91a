"""Compares the distributions of numbers, all columns at once, by their counts in common bins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headrace.ml.arrays import Flags, Floats, Ints
from headrace.ml.statistics import kolmogorov_survival, weighted_chi_square_survival

TERMS = 8
"""Terms of Anderson and Darling's statistic that are added up: location, spread, skewness, …"""

_WEIGHTS: Floats = 1.0 / (np.arange(1, TERMS + 1) * np.arange(2, TERMS + 2))
_SHARE_OF_ANDERSON_DARLING = 0.8
_KOLMOGOROV_VARIANCE = np.pi**2 / 12.0
_LEAST_NORM = 1e-6


def score_functions(shares: Floats) -> Floats:
    r"""Return the orthonormal polynomials of the rank: what location, spread, skewness, … are averages of.

    Polynomials of degree 1 to 8 in the middle of each bin's ranks, orthogonal to each other and to the constant under
    `shares`, of variance 1, by the recurrence of Stieltjes [1]_. For a continuous variable they are Legendre's; the mean of
    the first is Wilcoxon's statistic.

    Parameters
    ----------
    shares : ndarray of shape (n_columns, n_bins)
        Share of rows in each bin; each row sums to 1.

    Returns
    -------
    ndarray of shape (8, n_columns, n_bins)
        All zero where there are too few bins for the degree.

    References
    ----------
    .. [1] Gautschi, W. (2004). Orthogonal Polynomials: Computation and Approximation, section 2.2. Oxford University Press.

    Examples
    --------
    Two equally frequent values have a location, and nothing else:

    >>> score_functions(np.array([[0.5, 0.5]]))[:2, 0].round(6).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    ranks = 2.0 * np.cumsum(shares, axis=1) - shares - 1.0
    found = np.zeros((TERMS, *shares.shape))
    before, current, norm = np.zeros_like(shares), np.ones_like(shares), np.ones((len(shares), 1))
    for term in range(TERMS):
        weighted = shares * current
        slope = (weighted * ranks * current).sum(axis=1, keepdims=True)
        following = (ranks - slope) * current - norm * before
        norm = np.sqrt((shares * np.square(following)).sum(axis=1, keepdims=True))
        norm = np.where(norm > _LEAST_NORM, norm, 0.0)
        following = np.divide(following, norm, out=np.zeros_like(following), where=norm > 0)
        found[term] = following
        before, current = current, following
    return found


def numbers_p_values(
    first: Sequence[Ints], second: Sequence[Ints], rows: tuple[Floats, Floats], terms: tuple[Floats, Floats]
) -> Floats:
    r"""Return, for each column, the p-value that two samples have the same distribution.

    Anderson and Darling's statistic, which sees moves of location, spread and tails, and Kolmogorov and Smirnov's, which
    sees a local one, share the rate of false alarms as 4 to 1: :math:`p = \min(p_{AD} / 0.8, p_{KS} / 0.2)`.
    The first is computed as the weighted sum of squares of its orthogonal components [1]_,

    .. math:: A^2 = \sum_{j=1}^{8} \frac{z_j^2}{j (j + 1)},

    each of which is divided by the error that it has between dependent rows.

    Parameters
    ----------
    first, second : sequence of n_columns ndarrays of shape (n_bins,)
        Counts in the same bins; the number of bins may differ between columns.
    rows : tuple of two ndarrays of shape (n_columns,)
        Effective rows for Kolmogorov's statistic: how many independent rows the samples weigh as much as.
    terms : tuple of two ndarrays of shape (n_columns, 8)
        The same for each component.

    Returns
    -------
    ndarray of shape (n_columns,)
        In [0, 1].

    References
    ----------
    .. [1] Anderson, T. W. and Darling, D. A. (1952). Asymptotic theory of certain "goodness of fit" criteria based on
       stochastic processes. Ann. Math. Stat. 23.

    Examples
    --------
    >>> rows = (np.array([1000.0]), np.array([1000.0]))
    >>> terms = (np.full((1, 8), 1000.0), np.full((1, 8), 1000.0))
    >>> before, after = [np.full(20, 50)], [np.repeat([30, 50, 70], [5, 10, 5])]
    >>> numbers_p_values(before, before, rows, terms).tolist(), bool(numbers_p_values(before, after, rows, terms) < 1e-3)
    ([1.0], True)
    """
    counts = _padded(first), _padded(second)
    shares = [each / each.sum(axis=1, keepdims=True) for each in counts]
    components, exists = _components(counts, shares[1] - shares[0], terms)
    weights = np.where(exists, _WEIGHTS, 0.0)
    anderson_darling = weighted_chi_square_survival((weights * np.square(components)).sum(axis=1), weights)
    distance = np.abs(np.cumsum(shares[1] - shares[0], axis=1)).max(axis=1)
    root = np.sqrt(_harmonic(*rows))
    kolmogorov = kolmogorov_survival((root + 0.12 + 0.11 / root) * distance)
    either = np.minimum(
        anderson_darling / _SHARE_OF_ANDERSON_DARLING, kolmogorov / (1.0 - _SHARE_OF_ANDERSON_DARLING)
    )
    p_values: Floats = np.minimum(1.0, either)
    return p_values


def _components(
    counts: tuple[Floats, Floats], change: Floats, terms: tuple[Floats, Floats]
) -> tuple[Floats, Flags]:
    """Return the standardised components, and which of them a column has."""
    total = counts[0] + counts[1]
    rows = total.sum(axis=1, keepdims=True)
    functions = score_functions(total / rows)
    means = np.einsum("jck,ck->cj", functions, change)
    exists = np.any(functions != 0.0, axis=2).T
    return means * np.sqrt(_harmonic(*terms) * (rows - 1.0) / rows), exists


def moved_shares(first: Sequence[Ints], second: Sequence[Ints], rows: tuple[Floats, Floats]) -> Floats:
    r"""Return, for each column, the share of rows that moved past some value, less what chance alone would show.

    .. math:: \sqrt{\max(0, D^2 - \tfrac{\pi^2}{12 n_e})}

    with Kolmogorov's distance :math:`D`; the mean square of its limit law is :math:`\pi^2 / 12`.

    Parameters
    ----------
    first, second : sequence of n_columns ndarrays of shape (n_bins,)
        Counts in the same bins.
    rows : tuple of two ndarrays of shape (n_columns,)
        Effective rows of the samples.

    Returns
    -------
    ndarray of shape (n_columns,)
        In [0, 1].
    """
    shares = [each / each.sum(axis=1, keepdims=True) for each in (_padded(first), _padded(second))]
    distance = np.abs(np.cumsum(shares[1] - shares[0], axis=1)).max(axis=1)
    moved: Floats = np.sqrt(np.maximum(0.0, np.square(distance) - _KOLMOGOROV_VARIANCE / _harmonic(*rows)))
    return moved


def _harmonic(first: Floats, second: Floats) -> Floats:
    return first * second / (first + second)


def _padded(counts: Sequence[Ints]) -> Floats:
    """Return counts as one table, with empty bins at the end of the shorter rows."""
    table = np.zeros((len(counts), max(map(len, counts))))
    for row, each in zip(table, counts, strict=True):
        row[: len(each)] = each
    return table
