"""What AWS and the problems allow: names, sizes, metrics."""

from __future__ import annotations

from typing import Literal

PIPELINE_NAME = r"^[a-z][a-z0-9-]{0,22}[a-z0-9]$"
"""Short enough for an endpoint name (63) and a job name (63) with what is added to them."""

TAG_VALUE = r"^[A-Za-z0-9 _.:/=+@-]{1,256}$"
"""What every service of AWS takes as the value of a tag."""

INSTANCE_TYPE = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"

ARM_INSTANCE = r"^ml\.[a-z]+\d+[a-z]*g[a-z]*\."
"""Graviton families have a g behind the number, such as c7g and m6gd."""

METRICS: dict[str, dict[str, Literal["lower", "higher"]]] = {
    "regression": {
        "rmse": "lower",
        "mae": "lower",
        "r2": "higher",
        "mape": "lower",
        "median_absolute_error": "lower",
    },
    "binary": {
        "roc_auc": "higher",
        "accuracy": "higher",
        "f1": "higher",
        "log_loss": "lower",
        "average_precision": "higher",
        "precision": "higher",
        "recall": "higher",
        "balanced_accuracy": "higher",
        "mcc": "higher",
        "brier": "lower",
        "calibration_error": "lower",
    },
    "multiclass": {
        "f1_macro": "higher",
        "accuracy": "higher",
        "log_loss": "lower",
        "f1_weighted": "higher",
        "precision_macro": "higher",
        "precision_weighted": "higher",
        "recall_macro": "higher",
        "recall_weighted": "higher",
        "balanced_accuracy": "higher",
        "mcc": "higher",
        "roc_auc_ovr": "higher",
        "brier": "lower",
        "calibration_error": "lower",
    },
}
"""Metrics that may decide, per problem, and which way is better. The first is the default."""


def default_metric(problem: str) -> str:
    """Return the metric that decides when the file names none.

    Examples
    --------
    >>> default_metric("binary")
    'roc_auc'
    """
    return next(iter(METRICS[problem]))
