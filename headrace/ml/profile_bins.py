"""Numbers in bins: where the bins end, how many numbers each holds, and how they are cut again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.profile_column import ColumnProfile

BINS = 256

_ROWS_FOR_QUANTILES = 1_000_000


def quantile_edges(numbers: Floats) -> Floats:
    """Return ascending bin edges: quantiles, and the point just below every value that fills a bin alone.

    With those points the distribution function is known on both sides of a jump, so a move away from a frequent value
    is seen even if it is smaller than the distance to the next one.

    Examples
    --------
    >>> quantile_edges(np.array([0.0, 0.0, 0.0, 1.0])).tolist()
    [-5e-324, 0.0, 0.9999999999999999, 1.0]
    """
    if not len(numbers):
        return np.empty(0)
    sample = numbers[:: max(1, len(numbers) // _ROWS_FOR_QUANTILES)]
    quantiles = np.quantile(sample, np.linspace(0.0, 1.0, BINS + 1), method="inverted_cdf")
    values, repeats = np.unique(quantiles, return_counts=True)
    alone = values[(repeats > 1) | (values == values[0])]
    return np.unique(np.concatenate([values, np.nextafter(alone, -np.inf)]))


class Histogram:
    """Counts in bins that are known to lie between two numbers, to be cut again in other bins.

    What a bin holds is taken to be evenly spread over it.

    Parameters
    ----------
    edges : ndarray of shape (n_edges,)
        Upper ends of the bins.
    counts : ndarray of shape (n_edges + 1,)
        Numbers in each bin and above the last edge.
    minimum, maximum : float
        Of the numbers.
    """

    def __init__(self, edges: Floats, counts: Ints, minimum: float, maximum: float) -> None:
        cumulative = np.cumsum(counts)
        self.minimum = minimum
        inside = (edges >= minimum) & (edges < maximum)
        below = np.nextafter(minimum, -np.inf)
        self.points: Floats = np.concatenate([[below], edges[inside], [maximum]])
        self._cumulative = np.concatenate([[0], cumulative[:-1][inside], [cumulative[-1]]]).astype(np.float64)

    def at_most(self, points: Floats) -> Floats:
        """Return how many numbers are at most each point: exact at the edges, linear in between."""
        left = np.clip(np.searchsorted(self.points, points, side="right") - 1, 0, len(self.points) - 2)
        start, end = self.points[left], self.points[left + 1]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            way = (points / 2 - start / 2) / (
                end / 2 - start / 2
            )  # halves, because a difference may be infinite
        way = np.clip(np.nan_to_num(np.where(points >= end, 1.0, way)), 0.0, 1.0)
        found: Floats = self._cumulative[left] + way * (self._cumulative[left + 1] - self._cumulative[left])
        return found

    @property
    def total(self) -> int:
        """How many numbers there are."""
        return int(self._cumulative[-1])

    def quantiles(self, ranks: Floats) -> Floats:
        """Return the numbers that have so many others below them, 0 to `total`."""
        right = np.clip(np.searchsorted(self._cumulative, ranks, side="left"), 1, len(self.points) - 1)
        before, upto = self._cumulative[right - 1], self._cumulative[right]
        way = np.clip((ranks - before) / np.maximum(upto - before, 1.0), 0.0, 1.0)
        found: Floats = self.points[right - 1] * (1.0 - way) + self.points[right] * way
        return found

    def equal_widths(self, count: int) -> list[tuple[float, float, int]]:
        """Return lower end, upper end and count of equally wide bins from the smallest number to the largest."""
        start, end = float(self.minimum), float(self.points[-1])
        ends = start * (1.0 - np.arange(count + 1) / count) + end * (np.arange(count + 1) / count)
        counts = recut(self, ends[1:-1])
        return list(zip(ends[:-1].tolist(), ends[1:].tolist(), counts.tolist(), strict=True))


def histogram_of(column: ColumnProfile) -> Histogram | None:
    """Return the numbers of a column; None if it has none."""
    if column.minimum is None or column.maximum is None or not len(column.counts):
        return None
    return Histogram(column.edges, column.counts, column.minimum, column.maximum)


def merged_bins(histograms: Sequence[Histogram]) -> tuple[Floats, Ints]:
    """Return bins that hold equal shares of what several histograms hold together, and the counts in them.

    A count is exact where all histograms have the edge; where one has not, its bin is taken to be evenly filled, so that
    the distribution function is off by less than a bin's share of it, 1/256.

    Returns
    -------
    edges : ndarray of shape (n_edges,)
    counts : ndarray of shape (n_edges + 1,)
    """
    points = np.unique(np.concatenate([each.points for each in histograms]))
    cumulative = np.rint(sum(each.at_most(points) for each in histograms)).astype(np.int64)
    wanted = np.linspace(0, cumulative[-1], BINS + 1)
    chosen, repeats = np.unique(np.searchsorted(cumulative, wanted, side="left"), return_counts=True)
    before = chosen[(repeats > 1) & (chosen > 0)] - 1
    kept = np.union1d(chosen, np.append(before, 0))
    return points[kept], _differences(cumulative[kept], cumulative[-1])


def recut(histogram: Histogram, edges: Floats) -> Ints:
    """Return the counts of a histogram in other bins."""
    return _differences(np.rint(histogram.at_most(edges)).astype(np.int64), histogram.total)


def _differences(cumulative: Ints, total: Any) -> Ints:
    return np.diff(np.concatenate([[0], cumulative, [total]])).astype(np.int64)
