"""Adds up how the columns of rows go together, in the coordinates of a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.ml.arrays import Ints
from headrace.ml.joint_profile import Coordinate, JointProfile, coordinates_of, profile_jointly, sampled_rows
from headrace.ml.profile_cells import as_floats
from headrace.ml.profile_column import ColumnProfile
from headrace.ml.profile_levels import level_of

if TYPE_CHECKING:
    import pandas as pd


def joint_of(
    frame: pd.DataFrame | Mapping[str, Any],
    reference: Sequence[ColumnProfile],
    coordinates: Sequence[Coordinate] | None = None,
    *,
    is_reference: bool = False,
) -> JointProfile | None:
    """Return the joint profile of rows, of an even sample if there are many; None if nothing goes together.

    Parameters
    ----------
    frame : DataFrame, or mapping of str to sequence
        Cleaned rows.
    reference : sequence of ColumnProfile
        Of the features of the reference.
    coordinates : sequence of Coordinate, optional
        Of the reference, if they are known already.
    is_reference : bool
        Whether these are the rows of the reference itself.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> rows = {"temp": np.arange(100.0), "hum": np.arange(100.0) ** 2}
    >>> columns = profile_frame(rows, [ColumnSchema("temp", "number"), ColumnSchema("hum", "number")]).features
    >>> joint_of(rows, columns).correlations().round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    coordinates = coordinates_of(reference) if coordinates is None else coordinates
    if len({coordinate.column for coordinate in coordinates}) < 2:  # noqa: PLR2004 - a pair
        return None
    named = {column.name: column for column in reference}
    used = {coordinate.column for coordinate in coordinates}
    codes = {name: _codes(frame[name], column) for name, column in named.items() if name in used}
    return profile_jointly(coordinates, codes, is_reference=is_reference)


def _codes(column: Any, reference: ColumnProfile) -> Ints:
    """Return the bin or level of each row of the sample; -1 for a missing cell."""
    cells = np.asarray(column)
    cells = cells[sampled_rows(len(cells))]
    if reference.kind == "number":
        numbers = as_floats(cells)
        return np.where(np.isfinite(numbers), np.searchsorted(reference.edges, numbers, side="left"), -1)
    others = len(reference.levels)
    position: dict[str | None, int] = {level: place for place, level in enumerate(reference.levels)}
    position[None] = -1
    levels = (level_of(cell, reference.kind) for cell in cells.tolist())
    return np.fromiter((position.get(level, others) for level in levels), dtype=np.int64, count=len(cells))
