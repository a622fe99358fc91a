"""Reads the cells of many rows at once, kind by kind, as `headrace.ml.rows` reads them one by one.

What is read here is what is read there (but for the sign of zero). Whatever is unusual, and whatever is wrong, raises an error
without words, and is for `headrace.ml.rows.read_columns`, which says which cell it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np
import orjson

from headrace.ml.arrays import Floats, Labels
from headrace.ml.column_schema import ColumnSchema, Kind
from headrace.ml.rows import DTYPES, READERS, Columns
from headrace.ml.words import MISSING_TOKENS, spellings

Cell = Any
"""Text from CSV, or a value of JSON."""

UNUSUAL = (ValueError, TypeError, LookupError, OverflowError)
"""What is raised where rows have to be read one by one."""

NUMBER_KINDS: tuple[Kind, ...] = ("number", "boolean", "datetime")
WORD_KINDS: tuple[Kind, ...] = ("category", "text")
NO_WORD = ""
"""Stands for a missing word among words; a cell without a word is missing wherever cells are read."""

_MISSING = frozenset([None, *spellings(MISSING_TOKENS)])
_JSON_NUMBERS = {float, int, bool, NoneType}
_NAN = float("nan")
_MOST_REMEMBERED = 5000
_LONGEST_REMEMBERED = 100  # characters
_NO_LONGER_EXACT = 1e18  # a longer whole number in JSON may have become a float, which is another word


@dataclass(slots=True)
class Rows:
    """Cells of rows, one row after the other.

    Parameters
    ----------
    cells : list
        All cells.
    width : int
        Cells of one row.
    """

    cells: list[Cell]
    width: int

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.cells) // self.width

    def taken(self, places: Sequence[int]) -> list[Cell]:
        """Return the cells at some places of every row, place by place."""
        if len(self.cells) == self.width:
            return [self.cells[place] for place in places]
        return list(chain.from_iterable(self.cells[place :: self.width] for place in places))


class BlockReader:
    """Reads rows of one schema.

    Parameters
    ----------
    schema : sequence of ColumnSchema
        The features.

    Examples
    --------
    >>> reader = BlockReader([ColumnSchema("temp", "number"), ColumnSchema("town", "category"), ColumnSchema("hr", "number")])
    >>> reader.arrays(Rows(["0.5", "Ulm", "7", "", "n/a", "8"], 3))
    (array([[0.5, 7. ],
           [nan, 8. ]]), array([['Ulm'],
           ['']], dtype=object))
    """

    def __init__(self, schema: Sequence[ColumnSchema]) -> None:
        self._schema = schema
        self._places: dict[Kind, list[int]] = {}
        for place, column in enumerate(schema):
            self._places.setdefault(column.kind, []).append(place)
        self._readers = {kind: _column_reader(kind) for kind in self._places}
        self._numbers = _Matrix(schema, NUMBER_KINDS, np.float64)
        self._words = _Matrix(schema, WORD_KINDS, object)

    def arrays(self, rows: Rows, places: Sequence[int] | None = None) -> tuple[Floats, Labels]:
        """Return all numbers and all words of `rows`.

        Parameters
        ----------
        rows : Rows
            What is read.
        places : sequence of int, optional
            Where in a row the cell of each column of the schema is; in the order of the schema by default.

        Returns
        -------
        numbers : ndarray of float64, shape (n_rows, n_numbers)
            Numbers, booleans and moments, in the order of the schema; moments in microseconds since 1970 in UTC.
        words : ndarray of object, shape (n_rows, n_words)
            Categories and texts, in the order of the schema; `NO_WORD` where there is none.

        Raises
        ------
        ValueError, TypeError, OverflowError
            If something is unusual, or wrong.
        """
        return self._numbers.of(rows, places), self._words.of(rows, places)

    def columns(self, rows: Rows, places: Sequence[int] | None = None) -> Columns:
        """Return the cells column by column, as `read_columns` does; takes and raises what `arrays` does."""
        read: Columns = {}
        for kind, mine in self._places.items():
            values = np.empty(len(mine) * len(rows), dtype=DTYPES[kind])
            values[:] = self._readers[kind](rows.taken(mine if places is None else [places[i] for i in mine]))
            names = (self._schema[place].name for place in mine)
            read.update(zip(names, values.reshape(len(mine), -1), strict=True))
        return {column.name: read[column.name] for column in self._schema}


class _Matrix:
    """The columns of some kinds, side by side."""

    def __init__(self, schema: Sequence[ColumnSchema], kinds: Sequence[Kind], dtype: Any) -> None:
        chosen = [(place, column.kind) for place, column in enumerate(schema) if column.kind in kinds]
        self._width, self._dtype = len(chosen), dtype
        self._blocks = [
            (
                [place for place, found in chosen if found == kind],
                [column for column, (_, found) in enumerate(chosen) if found == kind],
                _matrix_reader(kind),
            )
            for kind in dict.fromkeys(kind for _, kind in chosen)
        ]

    def of(self, rows: Rows, places: Sequence[int] | None) -> np.ndarray[Any, Any]:
        if len(self._blocks) == 1:
            return np.ascontiguousarray(self._block(rows, places, *self._blocks[0]).T)
        matrix = np.empty((len(rows), self._width), dtype=self._dtype)
        for mine, columns, read in self._blocks:
            matrix[:, columns] = self._block(rows, places, mine, columns, read).T
        return matrix

    def _block(
        self,
        rows: Rows,
        places: Sequence[int] | None,
        mine: list[int],
        columns: list[int],
        read: Callable[[list[Cell]], Any],
    ) -> np.ndarray[Any, Any]:
        """Return the columns of one kind, each in a row."""
        values = read(rows.taken(mine if places is None else [places[place] for place in mine]))
        return np.asarray(values, dtype=self._dtype).reshape(len(columns), -1)


class CellMemory(dict[Cell, Any]):
    """Reads a cell, and remembers what a text means: of categories, booleans and moments there are few."""

    def __init__(self, read: Callable[[Cell], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: Cell) -> Any:
        if type(cell) is float and not abs(cell) < _NO_LONGER_EXACT:
            raise ValueError
        value = self._read(cell)
        # Nothing but text: of other cells some are equal that mean something else, such as 1 and true.
        if cell is None or (type(cell) is str and len(cell) <= _LONGEST_REMEMBERED):
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[cell] = value
        return value


def _column_reader(kind: Kind) -> Callable[[list[Cell]], Any]:
    """Return what reads cells as columns have them."""
    return _numbers if kind == "number" else _each(kind, READERS[kind])


def _matrix_reader(kind: Kind) -> Callable[[list[Cell]], Any]:
    """Return what reads cells as matrices have them."""
    read = READERS[kind]
    if kind in WORD_KINDS:
        return _each(kind, lambda cell: NO_WORD if (word := read(cell)) is None else word)
    if kind == "datetime":
        return _each(kind, lambda cell: _microseconds(read(cell)))
    return _column_reader(kind)


def _each(kind: Kind, read: Callable[[Cell], Any]) -> Callable[[list[Cell]], list[Any]]:
    look_up = read if kind in ("text", "image") else CellMemory(read).__getitem__
    return lambda cells: list(map(look_up, cells))


def _microseconds(moment: np.datetime64) -> float:
    return _NAN if np.isnat(moment) else float(moment.astype(np.int64))


def _numbers(cells: list[Cell]) -> Floats:
    try:
        text = ",".join(cells)
    except TypeError:
        values = _given(cells)
    else:
        values = _written(cells, text)
    numbers = np.array(values, dtype=np.float64)  # None becomes NaN
    if np.count_nonzero(np.isfinite(numbers)) != len(cells) - values.count(None):
        raise ValueError
    return numbers


def _given(cells: list[Cell]) -> list[Any]:
    """Return numbers out of JSON, which may be text there too; None where they are missing."""
    if set(map(type, cells)) <= _JSON_NUMBERS:
        return cells
    if any(type(cell) is str and "_" in cell for cell in cells):
        raise ValueError
    return [None if cell in _MISSING else float(cell) for cell in cells]


def _written(cells: list[str], text: str) -> list[Any]:
    """Return numbers out of text; None where they are missing.

    Numbers are written as JSON writes them, mostly, and orjson reads them five times faster than Python's float. What else
    JSON knows is no number: strings, lists, records, true and false.
    """
    if ",," in (text := f",{text},"):
        text = text.replace(",,", ",null,").replace(",,", ",null,")
    if not ("t" in text or "s" in text or '"' in text or "[" in text or "{" in text):
        try:
            values: list[Any] = orjson.loads(f"[{text[1:-1]}]")
        except orjson.JSONDecodeError:
            pass
        else:
            if len(values) == len(cells):
                return values
    if "_" in text:  # Python's own thousands separator
        raise ValueError
    return [None if cell in _MISSING else float(cell) for cell in cells]
