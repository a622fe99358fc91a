"""How far a metric could be off by the luck of which rows are in the test part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headrace.ml.arrays import FloatOrArray, Floats, Ints
from headrace.ml.contract import Problem
from headrace.ml.metrics import LOWER_IS_BETTER, METRICS, Predictions

_ROW_BUDGET = 5_000_000
_FEWEST, _MOST = 100, 1000
COVERAGE = 0.95


def resampled(problem: Problem, metric: str, models: list[Predictions], seed: int) -> Floats:
    """Return the metric of every model on the same resamples of the rows, of shape (n_resamples, n_models).

    Rows are drawn with replacement. All models are measured on the same draw, so differences between models are paired.

    Parameters
    ----------
    problem, metric : str
        What is measured.
    models : list of Predictions
        Answers of each model to the same rows.
    seed : int
        Of the draws.

    References
    ----------
    .. [1] Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap, chapter 13. Chapman & Hall.
    """
    rows = len(models[0].truth)
    draws = int(np.clip(_ROW_BUDGET // rows, _FEWEST, _MOST))
    rng, measure = np.random.default_rng(seed), METRICS[problem][metric]
    return np.array([_measured(measure, models, rng.integers(0, rows, rows)) for _ in range(draws)])


def interval(values: Floats) -> list[float] | None:
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


def _measured(
    measure: Callable[[Predictions], float], models: list[Predictions], chosen: Ints
) -> list[float]:
    return [measure(model.rows(chosen)) for model in models]
