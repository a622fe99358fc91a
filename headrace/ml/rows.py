"""Reads the cells of requests and of captured rows as the training data was read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from headrace.ml.column_schema import ColumnSchema, Kind
from headrace.ml.moments import read_moment
from headrace.ml.words import FALSE_WORDS, MISSING_TOKENS, TRUE_WORDS, image_file

_MISSING = frozenset(MISSING_TOKENS)
_TRUTH = dict.fromkeys(TRUE_WORDS, 1.0) | dict.fromkeys(FALSE_WORDS, 0.0)
_WHOLE_AS_DECIMAL = re.compile(r"[+-]?\d+\.0+")
_NOT_IN_NUMBERS = re.compile(r"[_a-df-zA-DF-Z]")
_NAN = float("nan")

Columns = dict[str, "np.ndarray[Any, np.dtype[Any]]"]
"""Typed cells by column: float64 for numbers and booleans, datetime64[us] in UTC; text or None for categories and
texts, a file's bytes or None for images."""


_MEANS: dict[Kind, str] = {
    "number": "a finite number",
    "boolean": "true or false",
    "datetime": "an ISO 8601 date or time",
    "category": "a plain value",
    "text": "a text",
    "image": "a PNG or JPEG file, in base64",
}

DTYPES: dict[Kind, Any] = {
    "number": np.float64,
    "category": object,
    "boolean": np.float64,
    "datetime": "datetime64[us]",
    "text": object,
    "image": object,
}
"""How the cells of each kind are held in an array."""


class CellError(ValueError):
    """A cell is not of its column's kind. The text names row and column, from row 1, and does not repeat the cell."""

    def __init__(self, row: int, column: str, kind: Kind) -> None:
        super().__init__(f"row {row + 1}, column {column!r} is not {_MEANS[kind]}")


def read_columns(cells: Mapping[str, Sequence[Any]], schema: Sequence[ColumnSchema]) -> Columns:
    """Type raw cells, or name the first that cannot be.

    Parameters
    ----------
    cells : mapping of str to sequence
        Text from CSV, values from JSON; None and the usual words are missing. All columns equally long.
    schema : sequence of ColumnSchema
        Columns to read; one that `cells` lacks raises ``KeyError``.

    Returns
    -------
    dict of str to ndarray
        Typed columns, in the order of the schema.

    Raises
    ------
    CellError
        If a cell is not of its column's kind.

    Examples
    --------
    >>> schema = [ColumnSchema("temp", "number"), ColumnSchema("season", "category")]
    >>> read_columns({"temp": ["0.3", None], "season": [2.0, " spring "]}, schema)
    {'temp': array([0.3, nan]), 'season': array(['2', 'spring'], dtype=object)}
    >>> read_columns({"temp": ["0.3", "warm"]}, schema[:1])
    Traceback (most recent call last):
    headrace.ml.rows.CellError: row 2, column 'temp' is not a finite number
    """
    columns: Columns = {}
    for column in schema:
        read = READERS[column.kind]
        values: list[Any] = []
        for row, cell in enumerate(cells[column.name]):
            try:
                values.append(read(cell))
            except ValueError:
                raise CellError(row, column.name, column.kind) from None
        columns[column.name] = np.array(values, dtype=DTYPES[column.kind])
    return columns


def _number(cell: Any) -> float:
    if isinstance(cell, str):
        text = cell.strip()
        if text.lower() in _MISSING:
            return _NAN
        if _NOT_IN_NUMBERS.search(text):
            raise ValueError
        number = float(text)
    elif cell is None or isinstance(cell, int | float):
        number = _NAN if cell is None else _float(cell)
        if number != number:  # noqa: PLR0124 - NaN, and quicker than asking math
            return _NAN
    else:
        raise ValueError
    if number - number != 0.0:  # infinite
        raise ValueError
    return number


def _float(cell: float) -> float:
    try:
        return float(cell)
    except OverflowError:
        raise ValueError from None


def _category(cell: Any) -> str | None:
    if isinstance(cell, str):
        text = cell.strip()
        if text.lower() in _MISSING:
            return None
    elif cell is None or isinstance(cell, bool | int | float):
        if cell is None or cell != cell:  # noqa: PLR0124 - NaN
            return None
        text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    else:
        raise ValueError
    return text.partition(".")[0] if _WHOLE_AS_DECIMAL.fullmatch(text) else text


def _boolean(cell: Any) -> float:
    text = _category(cell)
    if text is None:
        return _NAN
    value = _TRUTH.get(text.lower())
    if value is None:
        raise ValueError
    return value


def _datetime(cell: Any) -> np.datetime64:
    text = _category(cell)
    if text is None:
        return np.datetime64("NaT", "us")
    return np.datetime64(read_moment(text), "us")


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        text = (cell or "").strip()
        return None if text.lower() in _MISSING else text
    raise ValueError


def _image(cell: Any) -> bytes | None:
    """Return a file; bytes are one already, which came as the whole body of a request."""
    if isinstance(cell, bytes):
        return cell
    text = _text(cell)
    image = image_file(text)
    if text is not None and image is None:
        raise ValueError
    return image


READERS: dict[Kind, Callable[[Any], Any]] = {
    "number": _number,
    "category": _category,
    "boolean": _boolean,
    "datetime": _datetime,
    "text": _text,
    "image": _image,
}
"""What reads one cell of each kind; ``ValueError`` if it is none."""
