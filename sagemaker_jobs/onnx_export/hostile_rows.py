"""Rows that bring out differences between engines: gaps, words that nobody has seen, numbers beyond all that was learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headrace.ml.column_schema import ColumnSchema, Kind
from headrace.ml.rows import Columns

_ROWS = 16
_NOTHING: dict[Kind, Any] = {
    "number": np.nan,
    "boolean": np.nan,
    "datetime": np.datetime64("NaT"),
    "category": None,
    "text": None,
    "image": None,
}
_HOSTILE: dict[Kind, tuple[Any, ...]] = {
    "number": (0.0, -0.0, 1e-300, 1e30, -1e30, 1e300, -1e300),
    "boolean": (0.0, 1.0),
    "datetime": tuple(
        np.datetime64(moment, "us")
        for moment in (
            "1582-10-15",
            "1900-03-01",
            "1969-12-31T23:59:59.999999",
            "2000-02-29",
            "2199-12-31T23:59:59.999999",
        )
    ),
    "category": ("never seen", "never seen: Übergröße ✓", "0", "-1", "1e300", "a" * 1000),
    "text": ("never seen", "Übergröße ✓", "?!", "a " * 1000),
    "image": (),
}


def hostile_rows(columns: Columns, schema: Sequence[ColumnSchema]) -> Iterator[Columns]:
    """Yield variants of some rows, each with one column that is hostile, or with all; the wildest last.

    Parameters
    ----------
    columns : dict of str to ndarray
        Real rows, of which the first 16 are varied.
    schema : sequence of ColumnSchema
        The features.
    """
    real = {column.name: columns[column.name][:_ROWS] for column in schema}
    cells = {column.name: (_NOTHING[column.kind], *_HOSTILE[column.kind]) for column in schema}
    for place in range(max(map(len, cells.values()))):
        for name, hostile in cells.items():
            if place < len(hostile):
                yield {**real, name: _filled(real[name], hostile[place])}
    for place in (0, -1):
        yield {name: _filled(real[name], hostile[place]) for name, hostile in cells.items()}


def _filled(cells: np.ndarray[Any, Any], cell: Any) -> np.ndarray[Any, Any]:
    made = cells.copy()
    made[:] = cell
    return made
