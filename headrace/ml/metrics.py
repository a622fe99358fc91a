"""How good predictions are: the metrics of each problem, which way each is better, and their values.

Formulas, ranges and sources stand with the functions that compute them, in `headrace.ml.evaluation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from headrace.ml.arrays import Floats
from headrace.ml.contract import Problem
from headrace.ml.evaluation.many_labels import ManyLabels, WeightedManyLabels
from headrace.ml.evaluation.numbers import Numbers, WeightedNumbers
from headrace.ml.evaluation.two_labels import TwoLabels, WeightedTwoLabels
from headrace.ml.predictions import Predictions

__all__ = [
    "BY_LABELS",
    "DEFAULT_METRIC",
    "LOWER_IS_BETTER",
    "METRICS",
    "Predictions",
    "average_precision",
    "direction",
    "is_better",
    "measure",
    "measure_one",
    "prepare",
    "roc_auc",
]

LOWER_IS_BETTER = frozenset(
    {"rmse", "mae", "mape", "median_absolute_error", "log_loss", "brier", "calibration_error"}
)
"""Metrics that measure an error; of all others a higher value is better."""

DEFAULT_METRIC: dict[Problem, str] = {"regression": "rmse", "binary": "roc_auc", "multiclass": "f1_macro"}

BY_LABELS = frozenset({"accuracy", "precision", "recall", "f1", "balanced_accuracy", "mcc"})
"""Metrics of two labels that depend on the threshold between them."""

METRICS: dict[Problem, dict[str, Callable[[Any], Floats]]] = {
    "regression": {
        "rmse": WeightedNumbers.root_mean_squared_error,
        "mae": WeightedNumbers.mean_absolute_error,
        "r2": WeightedNumbers.r_squared,
        "mape": WeightedNumbers.mean_absolute_percentage_error,
        "median_absolute_error": WeightedNumbers.median_absolute_error,
    },
    "binary": {
        "roc_auc": WeightedTwoLabels.roc_auc,
        "accuracy": WeightedTwoLabels.accuracy,
        "f1": WeightedTwoLabels.f1,
        "log_loss": WeightedTwoLabels.log_loss,
        "average_precision": WeightedTwoLabels.average_precision,
        "precision": WeightedTwoLabels.precision,
        "recall": WeightedTwoLabels.recall,
        "balanced_accuracy": WeightedTwoLabels.balanced_accuracy,
        "mcc": WeightedTwoLabels.matthews,
        "brier": WeightedTwoLabels.brier,
        "calibration_error": WeightedTwoLabels.calibration_error,
    },
    "multiclass": {
        "f1_macro": WeightedManyLabels.f1_macro,
        "accuracy": WeightedManyLabels.accuracy,
        "log_loss": WeightedManyLabels.log_loss,
        "f1_weighted": WeightedManyLabels.f1_weighted,
        "precision_macro": WeightedManyLabels.precision_macro,
        "precision_weighted": WeightedManyLabels.precision_weighted,
        "recall_macro": WeightedManyLabels.recall_macro,
        "recall_weighted": WeightedManyLabels.recall_weighted,
        "balanced_accuracy": WeightedManyLabels.balanced_accuracy,
        "mcc": WeightedManyLabels.matthews,
        "roc_auc_ovr": WeightedManyLabels.roc_auc_ovr,
        "brier": WeightedManyLabels.brier,
        "calibration_error": WeightedManyLabels.calibration_error,
    },
}
"""Metrics by problem; the first is the default. Each takes rows with weights, and gives a value for each line of weights."""

Prepared = Numbers | TwoLabels | ManyLabels
"""Predictions that can be measured again and again, with other weights."""

_PREPARED: dict[Problem, Callable[[Predictions], Prepared]] = {
    "regression": Numbers,
    "binary": TwoLabels,
    "multiclass": ManyLabels,
}

Direction = Literal["lower", "higher"]


def prepare(problem: Problem, predictions: Predictions) -> Prepared:
    """Sort and compare predictions once, to measure them with many weights."""
    return _PREPARED[problem](predictions)


def measure(problem: Problem, predictions: Predictions) -> dict[str, float]:
    """Compute every metric of `problem`.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    predictions : Predictions
        Truth and answers; at least one row.

    Returns
    -------
    dict of str to float
        Value by metric. NaN where a metric has no value, such as ROC AUC of one class.

    Examples
    --------
    >>> import numpy as np
    >>> measure("regression", Predictions(np.array([1.0, 3.0]), np.array([1.0, 5.0])))["mae"]
    1.0
    """
    rows = prepare(problem, predictions).weighted(None)
    return {name: float(metric(rows)[0]) for name, metric in METRICS[problem].items()}


def roc_auc(predictions: Predictions) -> float:
    """Return the area under the ROC curve of two labels, in [0, 1]; NaN if only one occurs."""
    return float(TwoLabels(predictions).weighted(None).roc_auc()[0])


def average_precision(predictions: Predictions) -> float:
    """Return the area under the precision-recall curve of two labels, in [0, 1]; NaN without a positive row."""
    return float(TwoLabels(predictions).weighted(None).average_precision()[0])


def measure_one(problem: Problem, metric: str, predictions: Predictions) -> float:
    """Compute one metric of `problem`; NaN where it has no value."""
    return float(METRICS[problem][metric](prepare(problem, predictions).weighted(None))[0])


def is_better(metric: str, value: float, than: float) -> bool:
    """Tell whether `value` is better than `than`; never, if either is NaN.

    Examples
    --------
    >>> is_better("rmse", 40.0, 42.0), is_better("roc_auc", 0.9, float("nan"))
    (True, False)
    """
    return value < than if metric in LOWER_IS_BETTER else value > than


def direction(metric: str) -> Direction:
    """Return which way `metric` is better."""
    return "lower" if metric in LOWER_IS_BETTER else "higher"
