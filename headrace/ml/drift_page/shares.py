"""What share of the rows of two profiles is where on one axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.pages.scale import Scale, fitting_scale
from headrace.ml.profile_bins import Histogram
from headrace.ml.profile_column import ColumnProfile

PARTS = 40
_TAIL = 0.005
_NEARLY_ALL = 1.5
"""A range that is so many times wider than that without its tails is shown without them."""


@dataclass(frozen=True)
class Shares:
    """Two distributions of numbers, in the same parts.

    Parameters
    ----------
    scale : Scale
        The axis.
    points : ndarray of shape (n_parts + 1,)
        Where the parts begin and end, on the axis.
    before, after : ndarray of shape (n_parts,)
        Shares of the rows with a value, 0 to 1; all 0 for a profile without values.
    outside : tuple of (float, float)
        Shares below and above the axis, the larger of before and after.
    """

    scale: Scale
    points: Floats
    before: Floats
    after: Floats
    outside: tuple[float, float]


def shares_of(before: ColumnProfile, after: ColumnProfile) -> Shares | None:
    """Return where the numbers of two profiles are; None if neither has two different ones.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> old, new = (
    ...     profile_frame({"hour": hours}, [ColumnSchema("hour", "number")]).features[0]
    ...     for hours in ([0.0, 1.0, 1.0, 2.0], [2.0, 2.0])
    ... )
    >>> shares = shares_of(old, new)
    >>> shares.before.tolist(), shares.after.tolist()
    ([0.25, 0.5, 0.25], [0.0, 0.0, 1.0])
    """
    columns = [column for column in (before, after) if column.present and len(column.edges)]
    histograms = {id(column): _histogram(column) for column in columns}
    found = list(histograms.values())
    if not found or max(_ends(found)) == min(_ends(found)):
        return None
    steps = _whole_steps(columns, found)
    scale = Scale(float(steps[0]), float(steps[-1]), "whole") if steps is not None else _scale(found)
    points = steps if steps is not None else scale.cut(PARTS)
    parts = [_parts(histograms.get(id(column)), points) for column in (before, after)]
    below, above = (max(tail) for tail in zip(*(outside for _, outside in parts), strict=True))
    return Shares(scale, points, parts[0][0], parts[1][0], (below, above))


def _histogram(column: ColumnProfile) -> Histogram:
    """Return the bins with their ends; where a profile does not know them, those of its full bins."""
    full = np.flatnonzero(column.counts)
    first, last = (min(int(index), len(column.edges) - 1) for index in (full[0], full[-1]))
    low = float(column.edges[first]) if column.minimum is None else column.minimum
    high = float(column.edges[last]) if column.maximum is None else column.maximum
    return Histogram(column.edges, column.counts, low, max(low, high))


def _ends(histograms: list[Histogram]) -> list[float]:
    return [end for each in histograms for end in (float(each.minimum), float(each.points[-1]))]


def _parts(histogram: Histogram | None, points: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return the share of each part, and those below and above all."""
    if histogram is None:
        return np.zeros(len(points) - 1), (0.0, 0.0)
    # A part has what is at its start, so that whole numbers stay together; the last one has its end too.
    inner = np.nextafter(points, -np.inf)
    inner[-1] = points[-1]
    below = histogram.at_most(inner) / histogram.total
    return np.diff(below), (float(below[0]), float(1.0 - below[-1]))


def _whole_steps(columns: list[ColumnProfile], histograms: list[Histogram]) -> Floats | None:
    """Return the parts of numbers that are all whole and few: one for each."""
    low, high = min(_ends(histograms)), max(_ends(histograms))
    if high - low >= PARTS or any(column.whole != column.present for column in columns):
        return None
    return np.arange(math.floor(low), math.ceil(high) + 2, dtype=np.float64) - 0.5


def _scale(histograms: list[Histogram]) -> Scale:
    low, high = min(_ends(histograms)), max(_ends(histograms))
    starts, ends = ([_quantile(each, share) for each in histograms] for share in (_TAIL, 1.0 - _TAIL))
    inner = min(starts), max(ends)
    middle = (
        min(_quantile(each, 0.25) for each in histograms),
        max(_quantile(each, 0.75) for each in histograms),
    )
    positive = low > 0
    if inner[1] > inner[0] and high / 2 - low / 2 > _NEARLY_ALL * (inner[1] / 2 - inner[0] / 2):
        low, high = inner
    return fitting_scale(low, high, middle, positive=positive)


def _quantile(histogram: Histogram, share: float) -> float:
    """Return the end of the bin in which a quantile is."""
    cumulative = histogram.at_most(histogram.points)
    index = int(np.searchsorted(cumulative, share * cumulative[-1]))
    return float(histogram.points[min(index, len(histogram.points) - 1)])
