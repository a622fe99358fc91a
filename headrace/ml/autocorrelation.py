"""How much rows depend on the rows before them."""

from __future__ import annotations

import math

import numpy as np

from headrace.ml.arrays import Floats

_LONGEST_LAG_SHARE = 0.1
_NOISE = 2.5
_LEAST_ROWS = 100


def variance_inflation(values: Floats) -> float:
    r"""Return how many times larger the variance of a mean is than if the rows were independent.

    .. math:: 1 + 2 \sum_{k=1}^{K} \left(1 - \tfrac{k}{n}\right) \rho_k

    with the autocorrelations :math:`\rho_k` about a straight line in the order of the rows, up to the lag where the sum of
    two neighbours [1]_ is no larger than independent rows would show now and then, :math:`2.5 \sqrt{2 / n}`, at most a tenth
    of the rows.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        In the order of time.

    Returns
    -------
    float
        At least 1. `n` rows weigh as much as `n` divided by this independent ones. 1 for fewer than 100 rows, which
        cannot tell.

    References
    ----------
    .. [1] Geyer, C. J. (1992). Practical Markov chain Monte Carlo. Statistical Science 7, section 3.3.

    Examples
    --------
    >>> variance_inflation(np.tile([0.0, 1.0], 500))
    1.0
    >>> bool(variance_inflation(np.repeat(np.random.default_rng(0).normal(size=500), 4)) > 3)
    True
    """
    n = len(values)
    if n < _LEAST_ROWS:
        return 1.0
    longest = int(n * _LONGEST_LAG_SHARE) // 2 * 2
    correlations = _autocorrelations(values, longest)
    if correlations is None:
        return 1.0
    weighted = correlations * (1.0 - np.arange(1, longest + 1) / n)
    pairs = weighted.reshape(-1, 2).sum(axis=1)
    stop = np.flatnonzero(pairs <= _NOISE * math.sqrt(2.0 / n))
    kept = pairs[: stop[0]] if len(stop) else pairs
    return max(1.0, 1.0 + 2.0 * float(kept.sum()))


def _autocorrelations(values: Floats, longest: int) -> Floats | None:
    """Return those of lags 1 to `longest`, by a Fourier transform; None if nothing varies or there are too few rows."""
    centred = _without_trend(values)
    variance = float(np.dot(centred, centred))
    if longest < 2 or variance <= 0:  # noqa: PLR2004 - one pair of lags
        return None
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[1 : longest + 1]
    correlations: Floats = covariance / variance
    return correlations


def _without_trend(values: Floats) -> Floats:
    """Return the residuals of a straight line in the order of the rows."""
    if not len(values):
        return values
    time = np.arange(len(values)) - (len(values) - 1) / 2.0
    centred = values - values.mean()
    residuals: Floats = centred - time * (np.dot(time, centred) / max(1.0, np.dot(time, time)))
    return residuals
