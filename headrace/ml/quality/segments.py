"""The segments in which quality is watched: by category, or by the ranges of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from headrace.ml.arrays import Flags, Labels
from headrace.ml.column_schema import Kind

MOST_LEVELS = 20
"""Segments of one column; the rows of all further categories are in none."""

MISSING = "(missing)"
"""The segment of the rows without a value."""


@dataclass(frozen=True)
class Segmentation:
    """How one column is cut into segments.

    Parameters
    ----------
    kind : str
        As in the schema.
    edges : tuple of float
        Numbers: ascending ends of ranges. ``(a, b)`` means below a, from a to below b, and from b on. Empty for others.

    Examples
    --------
    >>> cut = Segmentation("number", (2.0, 4.0))
    >>> cut.names_of([1.0, 5.0, None]).tolist()
    ['< 2', '>= 4', '(missing)']
    >>> Segmentation("boolean").names_of([1.0, False]).tolist()
    ['true', 'false']
    """

    kind: Kind
    edges: tuple[float, ...] = ()

    def names_of(self, values: Sequence[Any] | Labels) -> Labels:
        """Return the segment of each row; None and NaN are missing."""
        series = pd.Series(values, dtype=object)
        missing = series.isna().to_numpy()
        if self.edges:
            numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64)
            index = np.searchsorted(np.asarray(self.edges), numbers, side="right")
            named = np.array(self._ranges(), dtype=object)[index]
            missing = missing | np.isnan(numbers)
        elif self.kind == "boolean":
            named = np.where(series.astype(str).isin(["True", "1.0", "1", "true"]), "true", "false").astype(
                object
            )
        else:
            named = series.astype(str).to_numpy(dtype=object)
        names: Labels = np.where(missing, MISSING, named)
        return names

    def rows_of(self, values: Sequence[Any] | Labels, known: Sequence[str] | None = None) -> dict[str, Flags]:
        """Return which rows are in each segment: of those that are `known`, or of the 20 that are most frequent."""
        names = self.names_of(values)
        if known is None:
            found, counts = np.unique(names.astype(str), return_counts=True)
            ranked = sorted(zip((-counts).tolist(), found.tolist(), strict=True))
            known = [name for _, name in ranked[:MOST_LEVELS]]
        return {name: names == name for name in known}

    def _ranges(self) -> list[str]:
        between = [f"{low:g} to {high:g}" for low, high in pairwise(self.edges)]
        return [f"< {self.edges[0]:g}", *between, f">= {self.edges[-1]:g}"]


@dataclass(frozen=True)
class SegmentedColumn:
    """One column that is watched by segments: how it is cut, and its values in the rows."""

    cut: Segmentation
    values: Sequence[Any] | Labels


Segments = Mapping[str, SegmentedColumn]
"""The columns that are watched by segments, by name."""
