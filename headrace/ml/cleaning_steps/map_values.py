"""Replaces values by others."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.registry import cleaning_step


@cleaning_step("map_values")
def map_values(
    cells: pa.ChunkedArray, *, values: Mapping[str, str | None], ignore_case: bool = False
) -> pa.ChunkedArray:
    """Return the cells with the old values replaced by the new ones; others stay as they are.

    Examples
    --------
    >>> cells = pa.chunked_array([["m", " F", "x", None]])
    >>> map_values(cells, values={"M": "male", "F": "female", "X": None}, ignore_case=True).to_pylist()
    ['male', 'female', None, None]
    """
    old = [word.strip().lower() if ignore_case else word.strip() for word in values]
    text = pc.utf8_trim_whitespace(cells)
    place = pc.index_in(pc.utf8_lower(text) if ignore_case else text, value_set=pa.array(old))
    return pc.if_else(pc.is_valid(place), pc.take(pa.array(list(values.values()), pa.string()), place), cells)
