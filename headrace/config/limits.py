"""What AWS and the problems allow: names, sizes, schedules, metrics."""

from __future__ import annotations

import re
from typing import Literal

PIPELINE_NAME = r"^[a-z][a-z0-9-]{0,22}[a-z0-9]$"
"""Short enough for an endpoint name (63) and a job name (63) with what is added to them."""

INSTANCE_TYPE = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"

SERVERLESS_MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)
"""SageMaker's ServerlessConfig MemorySizeInMB."""

METRICS: dict[str, dict[str, Literal["lower", "higher"]]] = {
    "regression": {"rmse": "lower", "mae": "lower", "r2": "higher"},
    "binary": {
        "roc_auc": "higher",
        "accuracy": "higher",
        "f1": "higher",
        "log_loss": "lower",
        "average_precision": "higher",
    },
    "multiclass": {"f1_macro": "higher", "accuracy": "higher", "log_loss": "lower"},
}
"""Metrics that may decide, per problem, and which way is better. The first is the default."""

_RATE = re.compile(r"^rate\((\d+) (minutes?|hours?|days?)\)$")
_CRON = re.compile(r"^cron\((\S+ ){5}\S+\)$")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


def default_metric(problem: str) -> str:
    """Return the metric that decides when the file names none.

    Examples
    --------
    >>> default_metric("binary")
    'roc_auc'
    """
    return next(iter(METRICS[problem]))


def schedule_minutes(expression: str) -> int | None:
    """Return the minutes between two runs of a ``rate(...)``, or None for a ``cron(...)``.

    Raises
    ------
    ValueError
        If EventBridge Scheduler would refuse `expression`.

    References
    ----------
    .. [1] EventBridge Scheduler user guide, "Schedule types".

    Examples
    --------
    >>> schedule_minutes("rate(2 hours)")
    120
    """
    if _CRON.match(expression):
        return None
    rate = _RATE.match(expression)
    if not rate or int(rate[1]) < 1:
        raise ValueError("schedule is rate(1 hour), rate(30 minutes), … or cron(0 * * * ? *)")
    return int(rate[1]) * _MINUTES[rate[2].rstrip("s")]
