"""How far metrics could be off by the luck of which rows are in the test part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from headrace.ml.arrays import FloatOrArray, Floats, Ints, Labels
from headrace.ml.contract import Problem
from headrace.ml.metrics import LOWER_IS_BETTER, METRICS, prepare
from headrace.ml.predictions import Predictions

_ROW_BUDGET = 5_000_000
_CELLS_AT_A_TIME = 100_000
_FEWEST, _MOST = 100, 1000
_FEWEST_OF_LABEL = 10
COVERAGE = 0.95

Limits = list[float] | None


def resampled(
    problem: Problem, metrics: Sequence[str], models: Sequence[Predictions], seed: int
) -> dict[str, Floats]:
    """Return metrics of every model on the same resamples of the rows.

    Rows are drawn with replacement, and are not moved for it: each is counted as often as it was drawn, so what has been sorted
    once stays sorted. All models are measured on the same draws, so differences between them are paired. Where a label has fewer
    than 10 rows, rows are drawn within their labels: otherwise some resamples would have none of it.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    metrics : sequence of str
        What is measured.
    models : sequence of Predictions
        Answers of each model to the same rows; at least one row.
    seed : int
        Of the draws.

    Returns
    -------
    dict of str to ndarray of shape (n_resamples, n_models)
        By metric; 100 to 1000 resamples, the fewer the more rows there are. NaN where a metric has no value.

    References
    ----------
    .. [1] Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap, chapter 13. Chapman & Hall.
    """
    prepared = [prepare(problem, model) for model in models]
    strata = None if problem == "regression" else _strata(models[0].truth)
    blocks = []
    for weights in draws(len(models[0].truth), np.random.default_rng(seed), strata):
        weighted = [rows.weighted(weights) for rows in prepared]
        blocks.append({name: [METRICS[problem][name](rows) for rows in weighted] for name in metrics})
    return {name: np.concatenate([np.transpose(block[name]) for block in blocks]) for name in metrics}


def draws(rows: int, rng: np.random.Generator, strata: Ints | None = None) -> Iterator[Floats]:
    """Yield how often each row is drawn, for some resamples at a time.

    Parameters
    ----------
    rows : int
        How many there are.
    rng : numpy.random.Generator
        Of the draws.
    strata : ndarray of shape (n_rows,), optional
        Numbers of groups from 0: as many rows of each are drawn as it has.

    Yields
    ------
    ndarray of shape (n_resamples, n_rows)
        Whole numbers from 0; each line adds up to `rows`.
    """
    left = int(np.clip(_ROW_BUDGET // rows, _FEWEST, _MOST))
    at_a_time = max(1, _CELLS_AT_A_TIME // rows)
    draw = _Draw(rows, rng, strata)
    while left:
        lines = min(left, at_a_time)
        yield np.stack([np.bincount(draw.places(), minlength=rows) for _ in range(lines)]).astype(np.float64)
        left -= lines


class _Draw:
    def __init__(self, rows: int, rng: np.random.Generator, strata: Ints | None) -> None:
        self._rows, self._rng, self._strata = rows, rng, strata
        if strata is not None:
            self._order = np.argsort(strata, kind="stable")
            sizes = np.bincount(strata)
            self._size = np.repeat(sizes, sizes)
            self._start = np.repeat(np.cumsum(sizes) - sizes, sizes)

    def places(self) -> Ints:
        """Return as many places of rows as there are rows."""
        if self._strata is None:
            return self._rng.integers(0, self._rows, self._rows)
        within = (self._rng.random(self._rows) * self._size).astype(np.int64)
        return self._order[self._start + within]


def _strata(truth: Labels) -> Ints | None:
    """Return the label of each row as a number if a label is rare, else None."""
    _, codes, counts = np.unique(truth, return_inverse=True, return_counts=True)
    return codes.astype(np.int64) if counts.min() < _FEWEST_OF_LABEL else None


def interval(values: Floats) -> Limits:
    """Return the middle 95 % of resampled values, or None if too many have no value.

    Examples
    --------
    >>> [round(limit) for limit in interval(np.arange(1001.0))]
    [25, 975]
    """
    found = values[np.isfinite(values)]
    if len(found) < _FEWEST // 2:
        return None
    tail = (1 - COVERAGE) / 2
    return [float(limit) for limit in np.quantile(found, [tail, 1 - tail])]


def better_by(metric: str, value: FloatOrArray, than: FloatOrArray) -> FloatOrArray:
    """Return by how much `value` is better than `than`, in the metric's unit; negative where it is worse.

    Examples
    --------
    >>> better_by("rmse", 40.0, 42.0)
    2.0
    """
    return than - value if metric in LOWER_IS_BETTER else value - than
