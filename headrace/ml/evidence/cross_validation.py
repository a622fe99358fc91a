"""What folds say together: a mean, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

COVERAGE = 0.95


def corrected_interval(
    values: Sequence[float], train_rows: float, test_rows: float
) -> tuple[float, float] | None:
    r"""Return between which values the mean of folds lies, with 95 % confidence; None with fewer than two folds.

    Folds share most of their training rows, so that their values are not independent, and the usual interval is far too narrow.
    Nadeau and Bengio's correction [1]_ makes the variance of the mean
    :math:`(\frac1J + \frac{n_{test}}{n_{train}}) s^2`, with :math:`J - 1` degrees of freedom.

    Parameters
    ----------
    values : sequence of float
        One of each of the J folds, over all repeats.
    train_rows, test_rows : float
        Of a fold, on average.

    References
    ----------
    .. [1] Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52.

    Examples
    --------
    >>> low, high = corrected_interval([0.78, 0.80, 0.79, 0.83, 0.75], 800, 200)
    >>> round(low, 3), round(high, 3)
    (0.736, 0.844)
    """
    count = len(values)
    if count < 2 or not train_rows > 0:  # noqa: PLR2004
        return None
    mean, variance = float(np.mean(values)), float(np.var(values, ddof=1))
    half = float(stats.t.ppf((1 + COVERAGE) / 2, count - 1)) * np.sqrt(
        (1 / count + test_rows / train_rows) * variance
    )
    return mean - float(half), mean + float(half)


def summarise_folds(
    measured: Sequence[Mapping[str, float]], train_rows: float, test_rows: float
) -> dict[str, dict[str, Any]]:
    """Return, by metric, the values of all folds (None where one has none), their mean and its interval.

    Examples
    --------
    >>> summarise_folds([{"mae": 1.0}, {"mae": 3.0}, {"mae": float("nan")}], 20, 10)["mae"]["values"]
    [1.0, 3.0, None]
    """
    found = {}
    for metric in measured[0] if measured else ():
        values = [fold[metric] for fold in measured]
        finite = [value for value in values if np.isfinite(value)]
        interval = corrected_interval(finite, train_rows, test_rows)
        found[metric] = {
            "mean": float(np.mean(finite)) if finite else None,
            "low": interval[0] if interval else None,
            "high": interval[1] if interval else None,
            "values": [value if np.isfinite(value) else None for value in values],
        }
    return found
