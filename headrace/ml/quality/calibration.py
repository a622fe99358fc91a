"""What share of rows with a score turned out positive: scores become probabilities that can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.quality.score_counts import CENTRES

Method = Literal["beta", "isotonic"]

_STEPS, _CLOSE = 50, 1e-8
_PRIOR = np.diag([1e-6, 1e-2, 1e-2])
_IDENTITY = np.array([0.0, 1.0, 1.0])
_DESIGN: Floats = np.column_stack([np.ones(len(CENTRES)), np.log(CENTRES), -np.log1p(-CENTRES)])
_FOLDS = 5
_SURE = 1e-6


def fit_beta(positives: Floats, negatives: Floats) -> Floats:
    r"""Fit the beta calibration map, and return the probability of each score bin.

    .. math:: \mathrm{logit}\, c(s) = a + b \ln s - d \ln(1 - s)

    by penalised maximum likelihood, which pulls weakly to the identity (a = 0, b = d = 1), so that a handful of rows, or
    rows of one label, have an answer too.

    Parameters
    ----------
    positives, negatives : ndarray of shape (..., n_bins)
        Reference rows by score; one fit for each leading index.

    Returns
    -------
    ndarray of shape (..., n_bins)
        In (0, 1).

    References
    ----------
    .. [1] Kull, M., Silva Filho, T. and Flach, P. (2017). Beta calibration: a well-founded and easily implemented
       improvement on logistic calibration for binary classifiers. AISTATS.

    Examples
    --------
    >>> nothing = np.zeros(len(CENTRES))
    >>> bool(np.allclose(fit_beta(nothing, nothing), CENTRES))
    True
    """
    total = positives + negatives
    weights = np.broadcast_to(_IDENTITY, (*total.shape[:-1], 3))
    for _ in range(_STEPS):
        fitted = _logistic(weights @ _DESIGN.T)
        gradient = (positives - total * fitted) @ _DESIGN - (weights - _IDENTITY) @ _PRIOR
        information = (total * fitted * (1 - fitted))[..., None, :] * _DESIGN.T
        step = np.linalg.solve(information @ _DESIGN + _PRIOR, gradient[..., None])[..., 0]
        weights = weights + step / np.maximum(1.0, np.abs(step).max(-1, keepdims=True))
        if np.abs(step).max() < _CLOSE:
            break
    return _logistic(weights @ _DESIGN.T)


def fit_isotonic(positives: Floats, negatives: Floats) -> Floats:
    """Return the non-decreasing probabilities that fit best, by pooling adjacent violators.

    An empty bin has the value of the next lower one that is not; those below all have that of the lowest.

    Parameters
    ----------
    positives, negatives : ndarray of shape (..., n_bins)
        Reference rows by score; one fit for each leading index.

    Returns
    -------
    ndarray of shape (..., n_bins)
        In [0, 1].

    References
    ----------
    .. [1] Ayer, M. et al. (1955). An empirical distribution function for sampling with incomplete information. Ann. Math.
       Stat. 26.
    .. [2] Zadrozny, B. and Elkan, C. (2002). Transforming classifier scores into accurate multiclass probability
       estimates. KDD.

    Examples
    --------
    >>> hits, misses = np.zeros((2, len(CENTRES)))
    >>> hits[[100, 200]], misses[[100, 300]] = (2, 1), (1, 1)
    >>> np.unique(fit_isotonic(hits, misses)).round(2).tolist()
    [0.6]
    """
    if positives.ndim > 1:
        return np.stack([fit_isotonic(p, n) for p, n in zip(positives, negatives, strict=True)])
    blocks: list[tuple[float, float, int]] = []  # positives, rows, bins
    for hits, rows in zip(positives.tolist(), (positives + negatives).tolist(), strict=True):
        block = (hits, rows, 1)
        while blocks and (rows == 0 or blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]):
            below = blocks.pop()
            block = (below[0] + block[0], below[1] + block[1], below[2] + block[2])
            if rows == 0:
                break
        blocks.append(block)
    shares = [hits / rows if rows else 0.0 for hits, rows, _ in blocks]
    return np.repeat(shares, [bins for _, _, bins in blocks])


FITS: dict[Method, Callable[[Floats, Floats], Floats]] = {"beta": fit_beta, "isotonic": fit_isotonic}
"""The calibration maps by name."""


def choose_calibration(positives: Floats, negatives: Floats, rng: np.random.Generator) -> Method:
    """Return which map predicts rows better that it was not fitted on.

    Beta calibration, unless isotonic regression has the higher likelihood in five-fold cross-validation by more than one
    standard error: it needs more rows, and is right where a curve of three parameters cannot be.

    Parameters
    ----------
    positives, negatives : ndarray of shape (n_bins,)
        Reference rows by score: whole numbers.
    rng : Generator
        Deals the rows to the folds.
    """
    even = np.full(_FOLDS, 1 / _FOLDS)
    held_p, held_n = (
        rng.multinomial(counts.astype(np.int64), even).T.astype(np.float64)
        for counts in (positives, negatives)
    )
    likelihood = {
        name: _log_likelihood(fit(positives - held_p, negatives - held_n), held_p, held_n)
        for name, fit in FITS.items()
    }
    gains = likelihood["isotonic"] - likelihood["beta"]
    error = float(np.std(gains, ddof=1)) / np.sqrt(_FOLDS)
    return "isotonic" if float(gains.mean()) > error else "beta"


def _log_likelihood(probabilities: Floats, positives: Floats, negatives: Floats) -> Floats:
    """Return it by fold. Probabilities of 0 and 1 are kept a little away from there, as no reference proves them."""
    sure = np.clip(probabilities, _SURE, 1 - _SURE)
    summed: Floats = (positives * np.log(sure) + negatives * np.log1p(-sure)).sum(-1)
    return summed


def _logistic(log_odds: Floats) -> Floats:
    probabilities: Floats = 1.0 / (1.0 + np.exp(-log_odds))
    return probabilities
