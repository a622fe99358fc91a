"""How much rows depend on their neighbours: many alike in a row say less than as many independent ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.ml.arrays import Ints
from headrace.ml.autocorrelation import variance_inflation

RUN = 8_192
"""So many rows, the first ones, are enough to judge dependence by."""

_FREQUENT = 10


def inflation_of(values: np.ndarray[Any, Any]) -> float:
    """Return how many rows of a run weigh as much as one independent row."""
    return variance_inflation(values.astype(np.float64))


def inflation_of_levels(codes: Ints, levels: int) -> float:
    """Return the mean inflation of the levels' shares, weighted by their variances.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Index of each row's level; `levels` for all others.
    levels : int
        How many levels there are.

    References
    ----------
    .. [1] Rao, J. N. K. and Scott, A. J. (1981). The analysis of categorical data from complex sample surveys. JASA 76.
    """
    shares = np.bincount(codes, minlength=levels + 1) / max(1, len(codes))
    frequent = np.argsort(-shares)[:_FREQUENT]
    weights = shares[frequent] * (1 - shares[frequent])
    if weights.sum() <= 0:
        return 1.0
    each = [variance_inflation((codes == level).astype(np.float64)) for level in frequent]
    return float(np.average(each, weights=weights))
