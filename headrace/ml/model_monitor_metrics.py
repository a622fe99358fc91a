"""What Amazon SageMaker Model Monitor tells CloudWatch of a window, under its own names.

References
----------
.. [1] Amazon SageMaker AI Developer Guide, "CloudWatch Metrics" of Model Monitor.
.. [2] Deequ, ``com.amazon.deequ.analyzers.Distance``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Ints
from headrace.ml.profile import Profile
from headrace.ml.profile_column import ColumnProfile

_KOLMOGOROV_LIMIT = 1.8
"""Deequ's: the limit of Kolmogorov and Smirnov's test at 0.3 %."""


@dataclass(frozen=True)
class MetricValue:
    """One metric of a window: a set of statistics; of a single value all of them are that value.

    Parameters
    ----------
    name : str
        As Model Monitor calls it.
    count : int
        Values that the statistics are of.
    total, minimum, maximum : float
        Of the values.
    """

    name: str
    count: int
    total: float
    minimum: float
    maximum: float


def data_metrics(reference: Profile, window: Profile) -> Iterator[MetricValue]:
    """Yield the metrics of each feature that Model Monitor knows: images are left out.

    Parameters
    ----------
    reference, window : Profile
        Of the training data, and of the traffic, made with ``like=reference``.

    Yields
    ------
    MetricValue
        ``feature_non_null_`` (share of rows with a value, 0 to 1), ``feature_baseline_drift_`` (`distance`) and, of
        numbers, ``feature_data_`` (statistics of the values, in their own unit).

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> schema = [ColumnSchema("temp", "number")]
    >>> before = profile_frame({"temp": [1.0, 2.0, 3.0, 4.0] * 50}, schema)
    >>> after = profile_frame({"temp": [4.0, 5.0, 6.0, None] * 50}, schema, like=before)
    >>> for metric in data_metrics(before, after):
    ...     print(metric.name, metric.count, round(metric.total, 3))
    feature_non_null_temp 1 0.75
    feature_baseline_drift_temp 1 0.556
    feature_data_temp 150 750.0
    """
    named = {column.name: column for column in window.features}
    for old in reference.features:
        new = named.get(old.name)
        if new is None or old.kind == "image" or not new.rows:
            continue
        yield _single(f"feature_non_null_{old.name}", new.present / new.rows)
        if old.counts.sum() and new.counts.sum():
            numeric = old.kind not in ("category", "boolean")
            yield _single(f"feature_baseline_drift_{old.name}", distance(old.counts, new.counts, numeric))
        if old.kind == "number":
            yield from _statistics(new)


def _single(name: str, value: float) -> MetricValue:
    return MetricValue(name, 1, value, value, value)


def _statistics(column: ColumnProfile) -> Iterator[MetricValue]:
    if column.mean is None or column.minimum is None or column.maximum is None:
        return
    total = column.mean * column.present
    if math.isfinite(total):
        yield MetricValue(
            f"feature_data_{column.name}", column.present, total, column.minimum, column.maximum
        )


def distance(first: Ints, second: Ints, numeric: bool) -> float:
    r"""Return Deequ's robust distance, which Model Monitor's ``comparison_method: Robust`` compares.

    .. math:: \max\left(0, L_\infty - 1.8 \sqrt{\tfrac1n + \tfrac1m}\right)

    Parameters
    ----------
    first, second : ndarray of shape (n_bins,)
        Counts of the baseline and of the window in the same bins or levels, a row in each at least.
    numeric : bool
        True: :math:`L_\infty` between the distribution functions. False: between the shares of the levels.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(distance(np.array([5000, 5000]), np.array([8000, 2000]), numeric=False), 3)
    0.275
    """
    change = second / second.sum() - first / first.sum()
    largest = float(np.abs(np.cumsum(change) if numeric else change).max())
    chance = _KOLMOGOROV_LIMIT * math.sqrt(1.0 / float(first.sum()) + 1.0 / float(second.sum()))
    return max(0.0, largest - chance)
