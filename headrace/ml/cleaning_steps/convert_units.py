"""Brings numbers with units to one unit."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_numbers
from headrace.ml.cleaning_steps.registry import cleaning_step


@cleaning_step("convert_units")
def convert_units(cells: pa.ChunkedArray, *, units: Mapping[str, float]) -> pa.ChunkedArray:
    """Return numbers in the unit whose factor is 1; a number without a unit is taken to be in it.

    A cell with a unit that is not declared stays as it is.

    Parameters
    ----------
    cells : pyarrow.ChunkedArray
        Such as ``5 kg`` and ``5000g``.
    units : mapping of str to float
        What one of each unit is in the unit wanted; upper and lower case differ, as in mW and MW.

    Examples
    --------
    >>> cells = pa.chunked_array([["5 kg", "5000g", "2", "3 lb", None]])
    >>> convert_units(cells, units={"kg": 1, "g": 0.001}).to_pylist()
    ['5', '5', '2', '3 lb', None]
    """
    names = list(units)
    pattern = (
        rf"^\s*(?P<number>[+-]?[0-9.]+(?:[eE][+-]?\d+)?)\s*(?P<unit>{'|'.join(map(re.escape, names))})\s*$"
    )
    found = pc.extract_regex(cells, pattern)
    place = pc.index_in(pc.struct_field(found, "unit"), value_set=pa.array(names))
    factor = pc.take(pa.array([float(units[name]) for name in names]), place)
    made = pc.multiply(as_numbers(pc.struct_field(found, "number")), factor)
    return pc.if_else(pc.is_valid(made), pc.cast(made, pa.string()), cells)
