"""How much more the averages of windows vary than those of independent rows would, by the length of the window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats

_FEWEST_BLOCKS = 8
_SURE_DEVIATE = 3.09
"""Of the normal law: one in a thousand."""


@dataclass(frozen=True)
class Dependence:
    """The variance inflation of an average, by the rows that are averaged.

    Parameters
    ----------
    rows : tuple of float
        Rows of a window, ascending. Empty for independent rows.
    inflation : tuple of float
        How many rows weigh as much as one independent row, in windows of so many rows; at least 1, ascending.
    blocks : tuple of float
        From how many blocks each was measured; infinite where rows are independent as far as can be seen.
    """

    rows: tuple[float, ...]
    inflation: tuple[float, ...]
    blocks: tuple[float, ...]

    def at(self, rows: float) -> tuple[float, float]:
        """Return inflation and blocks for windows of so many rows.

        Between measured lengths the logarithm of the inflation is linear in that of the length. Below, the shortest one
        holds. Beyond the longest it grows on as it grew over the last factor of four: not at all once windows are long
        enough to be independent of each other, and as fast as the length if whole seasons are longer than that.

        Examples
        --------
        >>> Dependence((100.0, 200.0, 400.0), (2.0, 4.0, 8.0), (64.0, 32.0, 16.0)).at(400)[1]
        16.0
        """
        if not self.rows:
            return 1.0, math.inf
        lengths, logs = np.log(self.rows), np.log(self.inflation)
        beyond = max(0.0, math.log(rows) - lengths[-1])
        grown = float(np.interp(math.log(rows), lengths, logs)) + beyond * self._growth()
        nearest = min(int(np.searchsorted(self.rows, rows)), len(self.rows) - 1)
        return math.exp(grown), self.blocks[nearest]

    def _growth(self) -> float:
        if len(self.rows) < 3:  # noqa: PLR2004 - lengths a factor of four apart
            return 0.0
        return math.log(self.inflation[-1] / self.inflation[-3]) / math.log(self.rows[-1] / self.rows[-3])

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "rows": list(self.rows),
            "inflation": [round(value, 4) for value in self.inflation],
            "blocks": [None if math.isinf(value) else value for value in self.blocks],
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        blocks = tuple(math.inf if value is None else float(value) for value in entry["blocks"])
        return cls(tuple(entry["rows"]), tuple(entry["inflation"]), blocks)


INDEPENDENT = Dependence((), (), ())


def constant_dependence(inflation: float) -> Dependence:
    """Return the dependence of rows whose inflation is known, and the same for windows of any length."""
    return Dependence((1.0,), (inflation,), (math.inf,)) if inflation > 1.0 else INDEPENDENT


def fit_dependence(sums: Floats, rows: Floats, variance: float, *, nearby: float = 1.0) -> Dependence:
    r"""Measure the variance inflation of an average from consecutive blocks (batch means [1]_).

    For blocks of one, two, four, … of the given ones, as long as there are eight of them,

    .. math:: \frac{1}{(B - 2) \sigma^2} \sum_{b=1}^{B} n_b \, \lVert \bar{x}_b - \hat{x}_b \rVert^2,

    about a straight line :math:`\hat{x}_b` in the order of the blocks: a reference that moves on in one direction drifts
    itself, and that is not how its windows vary. The values are made ascending in the length of the blocks by pooling
    neighbours that are not [2]_. What independent rows would reach one time in a thousand is taken for independence, unless
    neighbouring rows are known to depend on each other.

    Parameters
    ----------
    sums : ndarray of shape (n_blocks, n_levels)
        What is averaged, added up in each block: values of a score, or counts of levels.
    rows : ndarray of shape (n_blocks,)
        Rows of each block.
    variance : float
        Of one row, added up over the levels.
    nearby : float
        The inflation that the autocorrelation of rows shows; it counts as far as the blocks do not contradict it.

    Returns
    -------
    Dependence
        Independent, or measured at each length of blocks.

    References
    ----------
    .. [1] Alexopoulos, C. and Seila, A. F. (1996). Implementing the batch means method in simulation experiments. WSC '96.
    .. [2] Barlow, R. E. et al. (1972). Statistical Inference under Order Restrictions. Wiley.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fit_dependence(rng.normal(size=(256, 1)) * 10, np.full(256, 100.0), 1.0).at(1000)
    (1.0, inf)
    >>> fit_dependence(rng.normal(size=(256, 1)) * 20, np.full(256, 100.0), 1.0).at(1000)[0] > 3
    True
    """
    if variance <= 0 or rows.sum() <= 0:
        return INDEPENDENT
    lengths, measured, blocks = [], [], []
    while len(rows) >= _FEWEST_BLOCKS:
        lengths.append(float(rows.mean()))
        measured.append(_between(sums, rows) / variance)
        blocks.append(float(len(rows)))
        even = len(rows) // 2 * 2
        sums = sums[:even].reshape(even // 2, 2, -1).sum(axis=1)
        rows = rows[:even].reshape(even // 2, 2).sum(axis=1)
    inflation, pooled = _ascending(measured, blocks)
    return _sure_ones(lengths, inflation, pooled, nearby)


def _sure_ones(
    lengths: list[float], inflation: list[float], blocks: list[float], nearby: float
) -> Dependence:
    kept, known = [], []
    for value, count in zip(inflation, blocks, strict=True):
        margin = 1.0 + _excess(count)
        sure = value > margin
        kept.append(max(1.0, value if sure else 1.0, min(nearby, value * margin)))
        known.append(count if sure else math.inf)
    if max(kept, default=1.0) <= 1.0:
        return INDEPENDENT
    ascending = np.maximum.accumulate(kept).tolist()
    return Dependence(tuple(lengths), tuple(ascending), _most_numerous(ascending, known))


def _most_numerous(inflation: list[float], blocks: list[float]) -> tuple[float, ...]:
    """Count, where longer blocks add nothing, the shorter ones that have measured the same."""
    runs = (blocks[inflation.index(value) : end] for end, value in enumerate(inflation, 1))
    return tuple(max(filter(math.isfinite, run), default=math.inf) for run in runs)


def _between(sums: Floats, rows: Floats) -> float:
    """Return the variance of blocks about a straight line, as that of one row would be if rows were independent."""
    filled = rows > 0
    weights = np.sqrt(rows[filled, None])
    design = weights * np.column_stack([np.ones(filled.sum()), np.flatnonzero(filled)])
    means = sums[filled] / weights
    line, *_ = np.linalg.lstsq(design, means, rcond=None)
    return float(np.square(means - design @ line).sum() / max(1, filled.sum() - 2))


def _excess(blocks: float) -> float:
    """Return by how much a variance of independent blocks exceeds the true one, one time in a thousand.

    By the cube root of Wilson and Hilferty (1931), PNAS 17.
    """
    spread = 2.0 / (9.0 * (blocks - 1.0))
    return float((1.0 - spread + _SURE_DEVIATE * math.sqrt(spread)) ** 3 - 1.0)


def _ascending(values: list[float], weights: list[float]) -> tuple[list[float], list[float]]:
    """Pool neighbours until values ascend; return them, and of each pool the largest weight."""
    pools: list[tuple[float, float, int, float]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1, weight))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (first, before, several, largest), (second, after, more, _) = pools[-2:]
            mean = (first * before + second * after) / (before + after)
            pools[-2:] = [(mean, before + after, several + more, largest)]
    found = [(value, largest) for value, _, several, largest in pools for _ in range(several)]
    return [value for value, _ in found], [largest for _, largest in found]
