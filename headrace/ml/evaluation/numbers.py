"""Metrics of a regression, on rows that count as often as weights say."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.predictions import Predictions


class Numbers:
    """Predicted numbers, prepared once for all weights that rows are given.

    Parameters
    ----------
    predictions : Predictions
        Truth and answers; at least one row.
    """

    def __init__(self, predictions: Predictions) -> None:
        truth = np.asarray(predictions.truth, dtype=np.float64)
        errors = truth - predictions.values
        shifted = truth - truth.mean()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            relative = np.where(truth != 0, np.abs(errors) / np.abs(truth), np.nan)
        self.sums = np.stack(
            [np.square(errors), np.abs(errors), shifted, np.square(shifted), relative, np.ones(len(truth))]
        )
        self.order = np.argsort(np.abs(errors), kind="stable")
        self.errors = np.abs(errors)[self.order]

    def weighted(self, weights: Floats | None) -> WeightedNumbers:
        """Return the same rows, each counted as often as each line of `weights` says; None counts each once."""
        return WeightedNumbers(self, weights)


class WeightedNumbers:
    """Predicted numbers with weights of shape (n_resamples, n_rows), whole numbers from 0; each metric has (n_resamples,) values."""

    def __init__(self, numbers: Numbers, weights: Floats | None) -> None:
        self._numbers, self._weights = numbers, weights

    @cached_property
    def _sums(self) -> Floats:
        return weighted_sums(self._numbers.sums, self._weights)

    def _mean(self, place: int) -> Floats:
        return self._sums[:, place] / self._sums[:, -1]

    def root_mean_squared_error(self) -> Floats:
        r"""Return :math:`\sqrt{\frac1n \sum_i (y_i - \hat y_i)^2}`, in the target's unit, in [0, inf)."""
        return np.sqrt(self._mean(0))

    def mean_absolute_error(self) -> Floats:
        r"""Return :math:`\frac1n \sum_i |y_i - \hat y_i|`, in the target's unit, in [0, inf)."""
        return self._mean(1)

    def r_squared(self) -> Floats:
        r"""Return :math:`1 - \sum (y_i - \hat y_i)^2 / \sum (y_i - \bar y)^2`, in (-inf, 1].

        0 is as good as always answering the mean. NaN if the truth is constant.
        """
        spread = self._sums[:, 3] - np.square(self._sums[:, 2]) / self._sums[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > 0, 1.0 - self._sums[:, 0] / spread, np.nan)

    def mean_absolute_percentage_error(self) -> Floats:
        r"""Return :math:`\frac1n \sum_i |y_i - \hat y_i| / |y_i|` as a share, in [0, inf); NaN if a true number is 0.

        It punishes answers that are too high more than those that are too low, and the smallest true numbers rule it [1]_.

        References
        ----------
        .. [1] Hyndman, R. J. and Koehler, A. B. (2006). Another look at measures of forecast accuracy. International Journal of
           Forecasting 22.
        """
        return self._mean(4)

    def median_absolute_error(self) -> Floats:
        """Return the median of the absolute errors, in the target's unit, in [0, inf): half of all answers are as close."""
        errors, rows = self._numbers.errors, self._sums[:, -1]
        if self._weights is None:
            return np.array([np.median(errors)])
        reached = np.cumsum(self._weights[:, self._numbers.order], axis=1)
        lower, upper = (
            (reached <= np.floor(place)[:, None]).sum(axis=1) for place in ((rows - 1) / 2, rows / 2)
        )
        return (errors[lower] + errors[upper]) / 2  # type: ignore[no-any-return]


def weighted_sums(values: Floats, weights: Floats | None) -> Floats:
    """Return the sums of `values`, of shape (n_values, n_rows), for each line of weights: shape (n_resamples, n_values).

    It is no matrix product, because the last digits of that depend on how many threads compute it.

    Examples
    --------
    >>> weighted_sums(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 2.0]])).tolist()
    [[1.0], [4.0]]
    """
    if weights is None:
        return values.sum(axis=1)[None, :]  # type: ignore[no-any-return]
    sums: Floats = np.einsum("bn,kn->bk", weights, values)
    return sums
