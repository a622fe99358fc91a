"""Parts of the reference whose features differ from those of the rest: what a shift could make of the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from headrace.ml.arrays import Flags

MOST_SLICES = 60
_SMALLEST_SHARE, _LARGEST_SHARE = 0.05, 0.95


def feature_slices(columns: Mapping[str, np.ndarray[Any, Any]]) -> list[Flags]:
    """Cut rows in two at the median of each number, and by each category that is neither rare nor almost everything.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,)
        Features: numbers, or text or None. Other kinds are left alone.

    Returns
    -------
    list of ndarray of shape (n_rows,)
        Flags, at most 60, evenly chosen if there are more.

    Examples
    --------
    >>> columns = {"temp": np.array([1.0, 2.0, 3.0, 4.0]), "holiday": np.array(["n", "n", "n", "y"], dtype=object)}
    >>> [flags.tolist() for flags in feature_slices(columns)][:3]
    [[False, False, True, True], [True, True, False, False], [True, True, True, False]]
    """
    found = [flags for values in columns.values() for flags in _slices(values)]
    found = [flags for flags in found if _SMALLEST_SHARE <= flags.mean() <= _LARGEST_SHARE]
    step = max(1, -(-len(found) // MOST_SLICES))
    return found[::step]


def _slices(values: np.ndarray[Any, Any]) -> list[Flags]:
    if values.dtype.kind == "f":
        present = values[~np.isnan(values)]
        above = values > np.median(present) if len(present) else np.zeros(len(values), dtype=bool)
        return [above, ~above]
    if values.dtype.kind != "O" or not all(isinstance(value, str | None) for value in values[:100]):
        return []
    levels, counts = np.unique(values[pd.notna(values)].astype(str), return_counts=True)
    return [values == level for level in levels[counts >= _SMALLEST_SHARE * len(values)]]
