"""What a metric is likely to be on rows whose labels are not known, and how far off that may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.metrics import LOWER_IS_BETTER
from headrace.ml.quality.calibration import FITS, Method, choose_calibration
from headrace.ml.quality.counted_metrics import CountedMetric
from headrace.ml.quality.intervals import Z_95, Measured, on_logit_scale

REPLICATES = 100
_SEED = 7


@dataclass(frozen=True)
class Estimate:
    """A value and its standard deviation, in the metric's unit."""

    value: float
    sd: float

    def with_interval(self, metric: str) -> Measured:
        """Return it with the interval that holds the truth 95 times of 100; `metric` tells whether 1 is the most."""
        if metric not in LOWER_IS_BETTER:
            return on_logit_scale(self.value, self.sd)
        half = Z_95 * self.sd
        return Measured(self.value, max(0.0, self.value - half), self.value + half, self.sd)


class Calibration:
    """The calibrated probability of each score bin, and how uncertain it is for want of reference rows.

    Parameters
    ----------
    positives, negatives : ndarray of shape (n_bins,)
        Reference rows by score.
    method : {"beta", "isotonic"}, optional
        The map; the better one if it is not given.
    draws : int
        How often the reference is resampled.
    """

    def __init__(
        self, positives: Ints, negatives: Ints, method: Method | None = None, draws: int = REPLICATES
    ) -> None:
        self._draws = draws
        self.positives, self.negatives = positives.astype(np.float64), negatives.astype(np.float64)
        self.method: Method = method or choose_calibration(
            self.positives, self.negatives, np.random.default_rng(_SEED)
        )

    @cached_property
    def probabilities(self) -> Floats:
        """Probability of a positive label, of shape (n_bins,)."""
        return FITS[self.method](self.positives, self.negatives)

    @cached_property
    def deviations(self) -> Floats:
        """By how much probabilities from resampled reference rows differ from these, of shape (n_draws, n_bins).

        Each count is replaced by a Poisson number with that mean, which is what drawing rows with replacement does [1]_.

        References
        ----------
        .. [1] Hanley, J. and MacGibbon, B. (2006). Creating non-parametric bootstrap samples using Poisson frequencies.
           Computer Methods and Programs in Biomedicine 83.
        """
        rng = np.random.default_rng(_SEED)
        shape = (self._draws, len(self.positives))
        drawn = [rng.poisson(counts, shape).astype(np.float64) for counts in (self.positives, self.negatives)]
        return FITS[self.method](*drawn) - self.probabilities


def estimate_metric(
    metric: CountedMetric, counts: Ints | Floats, calibration: Calibration, inflation: float = 1.0
) -> Estimate:
    """Estimate a metric from the scores alone.

    The expected number of positive rows in a bin is its calibrated probability times its rows, and the metric is taken of
    those expectations: confidence-based performance estimation [1]_. Its variance is that of the labels, which are drawn
    with these probabilities, and that of the calibration, both propagated to first order.

    Parameters
    ----------
    metric : CountedMetric
        What is estimated.
    counts : ndarray of shape (n_bins,)
        Rows of the window by score.
    calibration : Calibration
        From the reference.
    inflation : float
        How many rows weigh as much as one independent row; at least 1.

    Returns
    -------
    Estimate
        NaN where the metric has no value.

    References
    ----------
    .. [1] Bialek, J. et al. (2024). Estimating Model Performance Under Covariate Shift Without Labels. arXiv 2401.08348.
    """
    probabilities, rows = calibration.probabilities, counts.astype(np.float64)
    positives = rows * probabilities
    value = float(metric.value(positives, rows - positives))
    if not rows.any() or not math.isfinite(value):
        return Estimate(math.nan, math.nan)
    slope = metric.slope(positives, rows - positives)
    of_labels = float(np.sum(np.square(slope) * positives * (1 - probabilities)))
    of_calibration = float(np.mean(np.square(calibration.deviations @ (slope * rows))))
    return Estimate(value, math.sqrt(inflation * (of_labels + of_calibration)))


def excess_sd(errors: Sequence[float], deviations: Sequence[float]) -> float:
    r"""Return the standard deviation that errors have beyond what was expected of each.

    .. math:: \tau^2 = \max\left(0, \tfrac1K \sum_k (e_k^2 - \sigma_k^2)\right)

    the method of moments of a random-effects model [1]_, around zero.

    Parameters
    ----------
    errors : sequence of float
        Estimate less truth, one for each window; those that are not finite are left out.
    deviations : sequence of float
        The standard deviation expected of each.

    References
    ----------
    .. [1] DerSimonian, R. and Laird, N. (1986). Meta-analysis in clinical trials. Controlled Clinical Trials 7.

    Examples
    --------
    >>> excess_sd([3.0, -3.0], [1.0, 1.0]) == 8**0.5
    True
    >>> excess_sd([0.5, -0.5], [1.0, 1.0])
    0.0
    """
    pairs = np.array([errors, deviations]).T
    found = pairs[np.isfinite(pairs).all(axis=1)]
    if not len(found):
        return 0.0
    return math.sqrt(max(0.0, float(np.mean(np.square(found[:, 0]) - np.square(found[:, 1])))))
