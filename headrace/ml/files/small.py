"""Small files, read at once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.table_file import TableFile, open_table
from headrace.ml.text_table import TextTable, united

ROWS_LOOKED_AT = 100_000
"""Rows from which kinds are inferred."""


def read_bytes(data: bytes, options: ReadOptions | None = None) -> TextTable:
    r"""Return the whole table that a file's bytes hold.

    Raises
    ------
    FileRefusedError
        If they hold none.

    Examples
    --------
    >>> table = read_bytes(b"id;temp\n1;0.3\n2\n3;warm\n")
    >>> table.cells.column("temp").to_pylist(), table.row_numbers.tolist(), table.broken
    (['0.3', 'warm'], [1, 3], {2: '2'})
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        return first_rows(path, options or ReadOptions())


def first_rows(path: Path, options: ReadOptions, *, rows: int | None = None) -> TextTable:
    """Return the first rows of a file, about as many as asked for, or all.

    Raises
    ------
    FileRefusedError
        If it holds no table.
    """
    with tempfile.TemporaryDirectory() as scratch:
        return head_of(open_table(path, Path(scratch), options), rows=rows)


def head_of(file: TableFile, *, rows: int | None = ROWS_LOOKED_AT) -> TextTable:
    """Return the first rows of an opened file, about as many as asked for, or all; it may have none."""
    table = united(file.blocks(), rows=rows)
    if table.rows:
        return table
    return TextTable(pa.table({name: pa.array([], pa.string()) for name in file.names}), table.row_numbers)
