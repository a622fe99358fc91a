"""Tail probabilities and dependence, without SciPy: what a drift test needs and no more."""

from __future__ import annotations

import math

import numpy as np

from headrace.ml.arrays import Floats

_TERMS = 100
_SMALLEST_LAMBDA = 0.2
_GAMMA_STEPS = 500
_LONGEST_LAG_SHARE = 0.1


def kolmogorov_survival(statistic: float) -> float:
    r"""Return the probability that the limit of Kolmogorov's statistic exceeds `statistic`.

    .. math:: Q(\lambda) = 2 \sum_{k=1}^{\infty} (-1)^{k-1} e^{-2 k^2 \lambda^2}

    Parameters
    ----------
    statistic : float
        :math:`\lambda = \sqrt{n_e} D`, at least 0.

    Returns
    -------
    float
        In [0, 1]; 1 at 0.

    References
    ----------
    .. [1] Kolmogorov, A. (1933). Sulla determinazione empirica di una legge di distribuzione. G. Ist. Ital. Attuari 4.

    Examples
    --------
    >>> round(kolmogorov_survival(1.36), 4)
    0.0495
    """
    if statistic < _SMALLEST_LAMBDA:
        return 1.0
    k = np.arange(1, _TERMS)
    terms = np.where(k % 2 == 1, 2.0, -2.0) * np.exp(-2.0 * np.square(k * statistic))
    return float(np.clip(terms.sum(), 0.0, 1.0))


def two_sample_ks_p_value(distance: float, n_first: float, n_second: float) -> float:
    r"""Return the p-value of a two-sample Kolmogorov-Smirnov distance.

    The asymptotic law at :math:`\lambda = (\sqrt{n} + 0.12 + 0.11 / \sqrt{n}) D`, which is accurate from
    :math:`n = n_1 n_2 / (n_1 + n_2) = 4` on [2]_.

    Parameters
    ----------
    distance : float
        Largest difference of the two distribution functions, in [0, 1].
    n_first, n_second : float
        Effective numbers of independent rows.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    .. [1] Smirnov, N. (1948). Table for estimating the goodness of fit of empirical distributions. Ann. Math. Stat. 19.
    .. [2] Stephens, M. A. (1970). Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive
       tables. J. R. Stat. Soc. B 32.

    Examples
    --------
    >>> round(two_sample_ks_p_value(0.1, 500, 500), 4)
    0.0124
    """
    if n_first <= 0 or n_second <= 0:
        return 1.0
    root = math.sqrt(n_first * n_second / (n_first + n_second))
    return kolmogorov_survival((root + 0.12 + 0.11 / root) * distance)


def chi_square_survival(statistic: float, degrees: int) -> float:
    r"""Return the probability that a chi-square variable exceeds `statistic`.

    The regularised upper incomplete gamma function :math:`Q(k/2, x/2)`, by its series below the mean and by Lentz's
    continued fraction above.

    Parameters
    ----------
    statistic : float
        At least 0.
    degrees : int
        Degrees of freedom, at least 1.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    .. [1] Press, W. H. et al. (2007). Numerical Recipes, 3rd ed., section 6.2. Cambridge University Press.

    Examples
    --------
    >>> round(chi_square_survival(3.841, 1), 4)
    0.05
    """
    a, x = degrees / 2.0, statistic / 2.0
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        return max(0.0, 1.0 - scale * _gamma_series(a, x))
    return min(1.0, scale * _gamma_fraction(a, x))


def variance_inflation(values: Floats) -> float:
    r"""Return how many times larger the variance of a mean is than if the rows were independent.

    .. math:: 1 + 2 \sum_{k=1}^{K} \left(1 - \tfrac{k}{n}\right) \rho_k

    with the autocorrelations :math:`\rho_k` in the order of the rows, up to the lag where the sum of two neighbours is
    no longer positive [1]_, at most a tenth of the rows.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        In the order of time.

    Returns
    -------
    float
        At least 1. `n` rows weigh as much as `n` divided by this independent ones.

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
    longest = int(n * _LONGEST_LAG_SHARE) // 2 * 2
    correlations = _autocorrelations(values, longest)
    if correlations is None:
        return 1.0
    weighted = correlations * (1.0 - np.arange(1, longest + 1) / n)
    pairs = weighted.reshape(-1, 2).sum(axis=1)
    stop = np.flatnonzero(pairs <= 0)
    kept = pairs[: stop[0]] if len(stop) else pairs
    return max(1.0, 1.0 + 2.0 * float(kept.sum()))


def _autocorrelations(values: Floats, longest: int) -> Floats | None:
    """Return those of lags 1 to `longest`, by a Fourier transform; None if nothing varies or there are too few rows."""
    centred = values - values.mean() if len(values) else values
    variance = float(np.dot(centred, centred))
    if longest < 2 or variance <= 0:  # noqa: PLR2004 - one pair of lags
        return None
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[1 : longest + 1]
    correlations: Floats = covariance / variance
    return correlations


def _gamma_series(a: float, x: float) -> float:
    term = total = 1.0 / a
    for step in range(1, _GAMMA_STEPS):
        term *= x / (a + step)
        total += term
        if term < total * 1e-15:
            break
    return total


def _gamma_fraction(a: float, x: float) -> float:
    tiny = 1e-300
    b = x + 1.0 - a
    c, d = 1.0 / tiny, 1.0 / b
    fraction = d
    for step in range(1, _GAMMA_STEPS):
        numerator = -step * (step - a)
        b += 2.0
        d = 1.0 / (numerator * d + b or tiny)
        c = b + numerator / c or tiny
        fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:  # noqa: PLR2004 - machine precision
            break
    return fraction
