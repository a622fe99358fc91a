"""What the plots of an evaluation are drawn from: a bounded number of figures, however many rows there were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from headrace.ml.arrays import Flags, Floats
from headrace.ml.contract import Problem
from headrace.ml.evaluation.spreads import (
    calibration_bins,
    improvement_spread,
    rounded,
    score_spread,
)
from headrace.ml.evaluation.tables import confusion_table, residual_bands, residual_spreads
from headrace.ml.metrics import average_precision, roc_auc
from headrace.ml.predictions import Predictions

MOST_POINTS = 200

Curve = tuple[Floats, Floats]
Document = dict[str, Any]


def curves_of(
    problem: Problem, models: Mapping[str, Predictions], *, improvement: Floats | None = None
) -> Document:
    """Return what is drawn of an evaluation, as JSON has it.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    models : mapping of str to Predictions
        ``challenger``, and ``champion`` where there is one, on the same rows, at least one.
    improvement : ndarray of shape (n_resamples,), optional
        How much better the challenger is on resampled rows, in the metric's unit; NaN where it has no value.

    Returns
    -------
    dict
        Below 100 KB. By the name of the plot, then by model: binary ``roc``, ``precision_recall``, ``gain``; binary and
        multiclass ``calibration``, ``scores``, ``confusion``; regression ``bands``, ``residuals``; and ``improvement``.
        What has no value, such as the ROC curve of rows with one label, is left out.

    Examples
    --------
    >>> model = Predictions(np.array(["no", "yes"]), np.array([[0.8, 0.2], [0.3, 0.7]]), ("no", "yes"))
    >>> curves_of("binary", {"challenger": model})["roc"]["challenger"]["auc"]
    1.0
    """
    if problem == "regression":
        found: Document = {
            "bands": _by_model(models, residual_bands),
            "residuals": residual_spreads(models),
        }
    else:
        ranked = (
            {
                "roc": _by_model(models, _roc),
                "precision_recall": _by_model(models, _precision_recall),
                "gain": _by_model(models, _gain),
            }
            if problem == "binary"
            else {}
        )
        found = {
            **ranked,
            "calibration": _by_model(models, calibration_bins),
            "scores": _by_model(models, score_spread),
            "confusion": _by_model(models, confusion_table),
        }
    if improvement is not None:
        found["improvement"] = improvement_spread(improvement)
    return {name: plot for name, plot in found.items() if plot}


def roc_points(scores: Floats, positive: Flags) -> Curve:
    """Return the shares of negative and of positive rows that score at least as much, from (0, 0) to (1, 1).

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Higher is more likely positive.
    positive : ndarray of shape (n_rows,)
        With both values.

    References
    ----------
    .. [1] Fawcett, T. (2006). An introduction to ROC analysis. Pattern Recognition Letters 27.

    Examples
    --------
    >>> false, true = roc_points(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))
    >>> false.tolist(), true.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0])
    """
    hits, rows = _counted_down(scores, positive)
    misses = rows - hits
    return misses / misses[-1], hits / hits[-1]


def precision_recall_points(scores: Floats, positive: Flags) -> Curve:
    """Return recall and precision by falling threshold, from recall 0, where the precision is 1 by convention.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Higher is more likely positive.
    positive : ndarray of shape (n_rows,)
        With a positive one.

    References
    ----------
    .. [1] Davis, J. and Goadrich, M. (2006). The relationship between Precision-Recall and ROC curves. ICML.

    Examples
    --------
    >>> recall, precision = precision_recall_points(np.array([0.9, 0.8]), np.array([False, True]))
    >>> recall.tolist(), precision.tolist()
    ([0.0, 0.0, 1.0], [1.0, 0.0, 0.5])
    """
    hits, rows = _counted_down(scores, positive)
    return hits / hits[-1], np.append(1.0, hits[1:] / rows[1:])


def gain_points(scores: Floats, positive: Flags) -> Curve:
    """Return which share of the positive rows is among which share of all rows, the highest scores first.

    Examples
    --------
    >>> rows, found = gain_points(np.array([0.9, 0.1]), np.array([True, False]))
    >>> rows.tolist(), found.tolist()
    ([0.0, 0.5, 1.0], [0.0, 1.0, 1.0])
    """
    hits, rows = _counted_down(scores, positive)
    return rows / rows[-1], hits / hits[-1]


def thinned(x: Floats, y: Floats) -> Curve:
    """Return at most 200 of a curve's points, its ends among them, about equally far apart along the curve.

    Of a monotone curve in the unit square every point is within about 0.01 of one that is left.

    Examples
    --------
    >>> x, y = thinned(np.linspace(0, 1, 5000), np.linspace(0, 1, 5000))
    >>> len(x) <= MOST_POINTS, float(x[0]), float(y[-1])
    (True, 0.0, 1.0)
    """
    if len(x) <= MOST_POINTS:
        return x, y
    way = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    kept = np.searchsorted(way, np.linspace(0.0, way[-1], MOST_POINTS - 1))
    chosen = np.unique(np.append(kept, len(x) - 1))
    return x[chosen], y[chosen]


def _counted_down(scores: Floats, positive: Flags) -> Curve:
    """Return how many positive rows, and how many rows, score at least as much as each different score; from none on."""
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(positive[order])[last_of_tie]
    rows = np.flatnonzero(last_of_tie) + 1
    return np.append(0.0, hits), np.append(0.0, rows)


def _by_model(models: Mapping[str, Predictions], plot: Callable[[Predictions], Document | None]) -> Document:
    return {name: drawn for name, model in models.items() if (drawn := plot(model)) is not None}


def _scored(model: Predictions) -> tuple[Floats, Flags]:
    return model.values[:, 1], np.asarray(model.truth == model.classes[1])


def _roc(model: Predictions) -> Document | None:
    scores, positive = _scored(model)
    if positive.all() or not positive.any():
        return None
    return {"auc": roc_auc(model), "points": rounded(*thinned(*roc_points(scores, positive)))}


def _precision_recall(model: Predictions) -> Document | None:
    scores, positive = _scored(model)
    if not positive.any():
        return None
    return {
        "average_precision": average_precision(model),
        "positive_share": float(positive.mean()),
        "points": rounded(*thinned(*precision_recall_points(scores, positive))),
    }


def _gain(model: Predictions) -> Document | None:
    scores, positive = _scored(model)
    if not positive.any():
        return None
    return {"points": rounded(*thinned(*gain_points(scores, positive)))}
