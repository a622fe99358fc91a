"""Whether probabilities are what they say, on rows that count as often as weights say."""

from __future__ import annotations

import numpy as np

from headrace.ml.arrays import Flags, Floats

BINS = 15
"""Equally wide ranges of probability, over which calibration errors are summed."""


class Reliability:
    """Probabilities in bins, with what came true.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows,)
        Of something, in [0, 1].
    happened : ndarray of shape (n_rows,)
        Whether it is so.
    """

    def __init__(self, probabilities: Floats, happened: Flags) -> None:
        # A range has its upper end: (0, 1/15], (1/15, 2/15] ...
        self._bins = np.clip(np.ceil(probabilities * BINS).astype(np.int64) - 1, 0, BINS - 1)
        self._excess = happened.astype(np.float64) - probabilities

    def expected_calibration_error(self, weights: Floats | None) -> Floats:
        r"""Return :math:`\sum_b \frac{n_b}{n} |\bar y_b - \bar p_b|` over 15 equally wide bins, in [0, 1]; 0 is calibrated.

        Few rows in a bin are off by luck alone, so the value is biased upwards, the more the fewer rows there are.

        References
        ----------
        .. [1] Naeini, M. P., Cooper, G. and Hauskrecht, M. (2015). Obtaining well calibrated probabilities using Bayesian
           binning. AAAI.
        .. [2] Guo, C. et al. (2017). On calibration of modern neural networks. ICML. (15 bins)

        Examples
        --------
        >>> sure = Reliability(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False]))
        >>> sure.expected_calibration_error(None).round(3).tolist()
        [0.15]
        """
        lines = [None] if weights is None else weights
        found = [self._by_bin(line) for line in lines]
        return np.array(found)

    def _by_bin(self, weights: Floats | None) -> float:
        excess = self._excess if weights is None else self._excess * weights
        rows = len(self._excess) if weights is None else float(weights.sum())
        return float(np.abs(np.bincount(self._bins, excess, minlength=BINS)).sum() / rows)
