"""Mean and standard deviation, of numbers of any size and in any number of pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats

_LARGE = 1e150
"""Above it a square may be infinite."""


def moments(numbers: Floats) -> tuple[float, float]:
    """Return mean and standard deviation of at least one number."""
    largest = float(max(abs(numbers.min()), abs(numbers.max())))
    if largest > _LARGE:
        mean, sd = moments(numbers / largest)
        return mean * largest, sd * largest
    return float(numbers.mean()), float(numbers.std())


def merged_moments(weights: Sequence[int], means: Sequence[Any], sds: Sequence[Any]) -> tuple[float, float]:
    """Return mean and standard deviation of all rows, by those of the parts.

    The spread of all is the mean spread within the parts and the spread of their means [1]_, in units of the largest
    number, so that no square is infinite.

    Parameters
    ----------
    weights : sequence of int
        Rows of each part.
    means, sds : sequence of float
        Of each part.

    References
    ----------
    .. [1] Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983). Algorithms for computing the sample variance. The American
       Statistician 37.

    Examples
    --------
    >>> merged_moments([1, 3], [0.0, 4.0], [0.0, 0.0]), float(np.std([0, 4, 4, 4]))
    ((3.0, 1.7320508075688772), 1.7320508075688772)
    """
    rows, centres, spreads = (np.array(values, dtype=np.float64) for values in (weights, means, sds))
    unit = float(max(np.abs(centres).max(), spreads.max())) or 1.0
    mean = float(np.average(centres / unit, weights=rows))
    spread = np.average(np.square(spreads / unit) + np.square(centres / unit - mean), weights=rows)
    return mean * unit, math.sqrt(spread) * unit
