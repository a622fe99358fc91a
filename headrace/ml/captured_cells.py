"""Reads the cells of captured requests as the endpoint read them, column by column.

Cells come as text from CSV or as JSON's own values. Both ways give what :mod:`headrace.ml.rows` gives cell by cell, but for
cells that cannot be read: those count as missing, since they came before the check.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Floats, Ints
from headrace.ml.cells import as_numbers, trimmed
from headrace.ml.contract import Kind
from headrace.ml.rows import DTYPES, READERS

CapturedCells: TypeAlias = "Sequence[Any] | pa.ChunkedArray"
"""The cells of one column: JSON's values or text, None where there is none; or text alone, as an Arrow column."""

_TEXT = {str, NoneType}
_NUMBERS = {float, int, NoneType}


def typed_cells(cells: CapturedCells, kind: Kind) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the cells of one column, typed as the model reads them; what cannot be read is missing.

    Examples
    --------
    >>> typed_cells(pa.chunked_array([["2.0", " red ", "n/a"]]), "category").tolist()
    ['2', 'red', None]
    >>> typed_cells(["0.3", "warm", 1], "number").tolist()
    [0.3, nan, 1.0]
    """
    if isinstance(cells, pa.ChunkedArray):
        return _typed_text(cells, kind)
    found = set(map(type, cells))
    if found <= _TEXT:
        return _typed_text(_text_of(cells), kind)
    if kind == "number" and found <= _NUMBERS and (numbers := _as_floats(cells)) is not None:
        return numbers
    return np.array([_read(cell, kind) for cell in cells], dtype=DTYPES[kind])


def _typed_text(text: pa.ChunkedArray, kind: Kind) -> np.ndarray[Any, np.dtype[Any]]:
    if kind == "number":
        return _numbers(text)
    # Few cells are unlike all others, of most kinds: each different one is read once.
    coded = pa.chunked_array([text.combine_chunks().dictionary_encode()]).chunk(0)
    read = [_read(cell, kind) for cell in [*coded.dictionary.to_pylist(), None]]
    values = np.empty(len(read), dtype=DTYPES[kind])
    values[:] = read
    places: Ints = pc.fill_null(coded.indices, len(read) - 1).to_numpy(zero_copy_only=False)
    return values[places]


def _numbers(text: pa.ChunkedArray) -> Floats:
    cells = trimmed(text)
    read = as_numbers(cells)
    numbers: Floats = read.to_numpy().astype(np.float64, copy=True)
    for row in np.flatnonzero(pc.and_(pc.is_null(read), pc.is_valid(cells)).to_numpy()):
        numbers[row] = _read(cells[int(row)].as_py(), "number")
    return numbers


def _text_of(cells: Sequence[Any]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string())])


def _as_floats(cells: Sequence[Any]) -> Floats | None:
    """Return numbers as they are, NaN for what is not finite; None if one is larger than any float."""
    try:
        numbers = np.array(cells, dtype=np.float64)
    except OverflowError:
        return None
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _read(cell: Any, kind: Kind) -> Any:
    read = READERS[kind]
    try:
        return read(cell)
    except ValueError:
        return read(None)
