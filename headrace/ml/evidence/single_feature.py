"""How well a single column predicts the target by itself, without a model that would take time.

A column is cut into at most 64 bins of equally many rows, or into its levels; missing cells are a bin of their own. What a bin
says of the target is learnt from one half of the rows and measured on the other, and the other way round, so that a column with
a level for each row predicts nothing. No row is looked at one by one after that: counts of the bins are enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from headrace.ml.arrays import Floats, Ints, Labels
from headrace.ml.column_schema import Kind

_MOST_BINS = 64
_ROWS_OF_A_BIN = 20
_HALVES = 2
_PRIOR_ROWS = 1.0


@dataclass(frozen=True)
class Bins:
    """A column as whole numbers from 0 on.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        The bin of each row.
    count : int
        How many there are.
    """

    codes: Ints
    count: int

    @classmethod
    def of(cls, cells: Floats | Labels, kind: Kind) -> Bins:
        """Cut a column.

        Examples
        --------
        >>> Bins.of(np.array(["b", None, "b"], dtype=object), "category").codes.tolist()
        [0, 1, 0]
        """
        if kind != "number":
            codes, levels = pd.factorize(cells, use_na_sentinel=True)
            return cls(np.where(codes < 0, len(levels), codes), len(levels) + 1)
        known = ~np.isnan(cells)
        bins = max(2, min(_MOST_BINS, int(known.sum()) // _ROWS_OF_A_BIN))
        edges = (
            np.unique(np.quantile(cells[known], np.arange(1, bins) / bins)) if known.any() else np.empty(0)
        )
        codes = np.where(known, np.searchsorted(edges, cells, side="right"), len(edges) + 1)
        return cls(codes, len(edges) + 2)


def single_feature_auc(bins: Bins, target: Ints, classes: int) -> float:
    """Return how well a column tells the labels apart: the area under the ROC curve of each label, by its share of the rows.

    Parameters
    ----------
    bins : Bins
        The column.
    target : ndarray of shape (n_rows,)
        Labels as whole numbers from 0 on.
    classes : int
        How many labels there are.

    Returns
    -------
    float
        0 to 1; 0.5 is no better than chance. NaN if there is only one label.

    References
    ----------
    .. [1] Hanley, J. A. and McNeil, B. J. (1982). The meaning and use of the area under a ROC curve. Radiology 143.

    Examples
    --------
    >>> labels = np.arange(400) % 2
    >>> single_feature_auc(Bins(labels, 2), labels, 2)
    1.0
    """
    tables = _tables(bins, target * 1, classes)
    areas, shares = [], []
    for place, table in enumerate(tables):
        learnt = tables[1 - place]
        prior = (learnt.sum(axis=0) + _PRIOR_ROWS) / (learnt.sum() + _PRIOR_ROWS * classes)
        scores = (learnt + _PRIOR_ROWS * prior) / (learnt.sum(axis=1, keepdims=True) + _PRIOR_ROWS)
        counts = table.sum(axis=0)
        found = [_area(scores[:, label], table[:, label], table.sum(axis=1)) for label in range(classes)]
        areas += found
        shares += [
            float(count) if np.isfinite(area) else 0.0 for count, area in zip(counts, found, strict=True)
        ]
    if not sum(shares):
        return float("nan")
    return float(np.average(np.nan_to_num(areas), weights=shares))


def single_feature_r2(bins: Bins, cells: Floats | None, target: Floats) -> float:
    """Return which share of the target's variance a column explains: by the means of its bins, or by a straight line.

    Parameters
    ----------
    bins : Bins
        The column.
    cells : ndarray of shape (n_rows,) or None
        Its numbers, if it has some; NaN is missing.
    target : ndarray of shape (n_rows,)
        Numbers.

    Returns
    -------
    float
        In (-inf, 1], the larger of both; NaN if the target is constant.

    Examples
    --------
    >>> numbers = np.arange(400.0)
    >>> single_feature_r2(Bins.of(numbers, "number"), numbers, 3 - 2 * numbers)
    1.0
    """
    half = _half(len(target))
    total = float(np.square(target - target.mean()).sum())
    if not total > 0:
        return float("nan")
    binned, line = np.empty(len(target)), np.full(len(target), target.mean())
    for place in range(_HALVES):
        learnt, asked = half != place, half == place
        mean = float(target[learnt].mean())
        rows = np.bincount(bins.codes[learnt], minlength=bins.count)
        sums = np.bincount(bins.codes[learnt], weights=target[learnt], minlength=bins.count)
        binned[asked] = ((sums + _PRIOR_ROWS * mean) / (rows + _PRIOR_ROWS))[bins.codes[asked]]
        if cells is not None:
            line[asked] = _on_a_line(cells[learnt], target[learnt], cells[asked])
    errors = [float(np.square(target - answers).sum()) for answers in (binned, line)]
    return 1.0 - min(errors) / total


def _tables(bins: Bins, target: Ints, classes: int) -> list[Floats]:
    """Return, for each half of the rows, how many of each bin have each label."""
    half = _half(len(target))
    flat, size = bins.codes * classes + target, bins.count * classes
    counted = (np.bincount(flat[half == place], minlength=size) for place in range(_HALVES))
    return [each.reshape(bins.count, classes).astype(np.float64) for each in counted]


def _half(rows: int) -> Ints:
    """Return to which half each row belongs: any row to any, and always the same."""
    return np.random.default_rng(0).permutation(rows) % _HALVES


def _area(scores: Floats, positive: Floats, rows: Floats) -> float:
    """Return the area under the ROC curve of bins with scores; bins of one score are ties."""
    _, place = np.unique(scores, return_inverse=True)
    hits, all_ = np.bincount(place, weights=positive), np.bincount(place, weights=rows)
    misses = all_ - hits
    if not hits.sum() or not misses.sum():
        return float("nan")
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / (hits.sum() * misses.sum()))


def _on_a_line(cells: Floats, target: Floats, asked: Floats) -> Floats:
    known = np.isfinite(cells)
    mean = float(target.mean())
    if not known.any():
        return np.full(len(asked), mean)
    centre, centred = float(cells[known].mean()), cells[known] - cells[known].mean()
    spread = float(np.square(centred).sum())
    if not np.isfinite(spread) or not spread > 0:
        return np.full(len(asked), mean)
    slope = float((centred * (target[known] - target[known].mean())).sum() / spread)
    level = float(target[known].mean())
    return np.where(np.isfinite(asked), level + slope * (asked - centre), mean)
