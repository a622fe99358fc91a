"""A histogram as the KLL sketch of Deequ, which Model Monitor's statistics hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.ml.profile_bins import Histogram

SHRINKING_FACTOR, SKETCH_SIZE = 0.64, 2048.0
"""Deequ's defaults, which are what Model Monitor writes."""


def sketch_of(histogram: Histogram, *, whole: bool = False) -> dict[str, Any]:
    r"""Return a sketch with the distribution of a histogram.

    A KLL sketch [1]_ is a list of levels; an item of level :math:`i` stands for :math:`2^i` numbers. The numbers are cut,
    in ascending order, into as many items of the highest level as the sketch holds, and the few that are left into one item
    per binary digit; each item is the number in the middle of what it stands for.

    Parameters
    ----------
    histogram : Histogram
        Of at least one number.
    whole : bool
        Whether all numbers are whole.

    Returns
    -------
    dict
        ``parameters`` and ``data``, level 0 first.

    References
    ----------
    .. [1] Karnin, Z., Lang, K. and Liberty, E. (2016). Optimal quantile approximation in streams. FOCS.

    Examples
    --------
    >>> sketch_of(Histogram(np.array([1.0, 2.0]), np.array([2, 1, 0]), 1.0, 2.0), whole=True)
    {'parameters': {'c': 0.64, 'k': 2048.0}, 'data': [[1.0, 1.0, 2.0]]}
    """
    top = max(0, (int(histogram.total) // int(SKETCH_SIZE)).bit_length())
    items, rest = divmod(int(histogram.total), 1 << top)
    digits = [level for level in range(top) if rest >> level & 1]
    levels = np.array([top] * items + digits[::-1])
    weights = np.exp2(levels)
    numbers = histogram.quantiles(np.cumsum(weights) - weights / 2)
    numbers = np.rint(numbers) if whole else numbers
    return {
        "parameters": {"c": SHRINKING_FACTOR, "k": SKETCH_SIZE},
        "data": [numbers[levels == level].tolist() for level in range(top + 1)],
    }
