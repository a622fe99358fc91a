"""Every metric of one or two models on the same rows, with what luck may do to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.ml.contract import Problem
from headrace.ml.evaluation.bootstrap import COVERAGE, Limits, better_by, interval, resampled
from headrace.ml.metrics import METRICS, measure
from headrace.ml.predictions import Predictions

Figure = dict[str, float | None]
Figures = dict[str, Figure]
"""By metric: ``value``, and ``low`` and ``high``, between which it lies with 95 %; None where that could not be resampled."""

CHALLENGER, CHAMPION, IMPROVEMENT = "challenger", "champion", "improvement"


def measure_models(problem: Problem, models: Sequence[Predictions], seed: int) -> dict[str, Figures]:
    """Measure the new model, and the one in service if it could answer.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    models : sequence of Predictions
        The challenger's answers, and those of the champion to the same rows; at least one row.
    seed : int
        Of the resamples.

    Returns
    -------
    dict
        ``challenger`` and ``champion``: figures of every metric that has a value. ``improvement``: by how much the challenger is
        better, positive where it is, with limits from the same resamples of both. The last two only of two models.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.arange(200.0)
    >>> new, old = (Predictions(truth, truth + off) for off in (1.0, 3.0))
    >>> measure_models("regression", [new, old], 7)["improvement"]["mae"]
    {'value': 2.0, 'low': 2.0, 'high': 2.0}
    """
    values = [measure(problem, model) for model in models]
    names = [name for name in METRICS[problem] if any(math.isfinite(found[name]) for found in values)]
    draws = resampled(problem, names, models, seed)
    found = {
        model: {
            name: _figure(values[place][name], interval(draws[name][:, place]))
            for name in names
            if math.isfinite(values[place][name])
        }
        for place, model in enumerate((CHALLENGER, CHAMPION)[: len(models)])
    }
    if len(models) == 1:
        return found
    both = [name for name in found[CHALLENGER] if name in found[CHAMPION]]
    found[IMPROVEMENT] = {
        name: _figure(
            better_by(name, values[0][name], values[1][name]),
            interval(better_by(name, draws[name][:, 0], draws[name][:, 1])),
        )
        for name in both
    }
    return found


def values_of(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Return the values by metric, without their limits."""
    return {name: figure["value"] for name, figure in figures.items() if figure["value"] is not None}


def intervals_of(measured: Mapping[str, Figures], metric: str) -> dict[str, Any]:
    """Return the limits of one metric: of each model, and of the improvement; None where there are none."""
    found = {model: _limits(figures.get(metric, {})) for model, figures in measured.items()}
    return {"coverage": COVERAGE, **found}


def _figure(value: float, limits: Limits) -> Figure:
    low, high = limits or (None, None)
    return {"value": float(value), "low": low, "high": high}


def _limits(figure: Figure) -> Limits:
    low, high = figure.get("low"), figure.get("high")
    return None if low is None or high is None else [low, high]
