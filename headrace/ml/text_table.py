"""Files as tables of text: every cell as it was written, every row with its number in the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from headrace.ml.arrays import Ints

_DELIMITERS = ",;\t|"
_BLOCK_BYTES = 16 * 2**20
_LEAST_BYTES_OF_A_CELL = 2  # in CSV: a digit and a delimiter
_NOT_PARQUET = (
    pa.ArrowInvalid,
    pa.ArrowNotImplementedError,
    OSError,
)  # OSError: Arrow's word for damaged pages


class UnreadableFileError(ValueError):
    """A file is no table; the text says why, and repeats no cell of it."""


@dataclass(frozen=True)
class TextTable:
    """A file before it is cleaned.

    Parameters
    ----------
    cells : pyarrow.Table
        Text columns; null is an absent cell.
    row_numbers : ndarray of shape (n_rows,)
        1 is the first row after the header. A quoted line break does not count.
    broken : dict of int to str
        Rows that have another number of cells than the header, by their number: the text as it was written.
    """

    cells: pa.Table
    row_numbers: Ints
    broken: dict[int, str] = field(default_factory=dict)


def read_csv_text(data: bytes) -> TextTable:
    r"""Read a CSV file without interpreting it.

    The first line names the columns. The delimiter (comma, semicolon, tab or bar) is the one that the first line
    has most of; a byte order mark and blank lines are dropped.

    Parameters
    ----------
    data : bytes
        UTF-8 text.

    Returns
    -------
    TextTable
        Rows of the right length as cells; the others in `broken`.

    Raises
    ------
    UnreadableFileError
        If the file is empty, is not UTF-8, or names a column twice or not at all.

    Examples
    --------
    >>> table = read_csv_text(b"id,temp\n1,0.3\n2\n3,warm\n")
    >>> table.cells.column("temp").to_pylist(), table.row_numbers.tolist(), table.broken
    (['0.3', 'warm'], [1, 3], {2: '2'})
    """
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # as old Macs end their lines, and as Excel for Mac still may
    names, delimiter = _header(data)
    broken: dict[int, str] = {}

    def keep_broken(row: pacsv.InvalidRow) -> str:
        broken[row.number - 1] = row.text
        return "skip"

    try:
        cells = pacsv.read_csv(
            pa.BufferReader(data),
            # One thread: only then are the rows numbered.
            pacsv.ReadOptions(
                use_threads=False, column_names=names, skip_rows_after_names=1, block_size=_BLOCK_BYTES
            ),
            pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values=b'"' in data, invalid_row_handler=keep_broken
            ),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise UnreadableFileError(_without_cells(str(error))) from None
    numbers = np.setdiff1d(
        np.arange(1, cells.num_rows + len(broken) + 1), np.fromiter(broken, dtype=np.int64)
    )
    return TextTable(cells, numbers, broken)


def read_parquet_text(data: bytes) -> TextTable:
    """Read a Parquet file and write every cell as text, as a CSV file would have it.

    Raises
    ------
    UnreadableFileError
        If the file is no Parquet or damaged, names a column twice or not at all, or a column is nested.
    """
    file = _opened(data)
    names = [name.strip() for name in file.schema_arrow.names]
    _check_names(names)
    try:
        table = file.read().rename_columns(names)
    except _NOT_PARQUET:
        raise UnreadableFileError("the Parquet file is damaged: drop it again") from None
    return text_of(table)


def unpacked_bytes(data: bytes) -> int:
    """Return how large a Parquet file is at least when it is unpacked: its pages, or two bytes for each cell.

    Raises
    ------
    UnreadableFileError
        If the file is no Parquet, or its end is damaged.
    """
    about = _opened(data).metadata
    pages: int = sum(about.row_group(index).total_byte_size for index in range(about.num_row_groups))
    cells: int = about.num_rows * about.num_columns
    return max(pages, _LEAST_BYTES_OF_A_CELL * cells)


def text_of(table: pa.Table) -> TextTable:
    """Write every cell of a typed table as text.

    Raises
    ------
    UnreadableFileError
        If a column is nested.

    Examples
    --------
    >>> text_of(pa.table({"at": [True, None], "n": [1.0, 2.5]})).cells.to_pylist()
    [{'at': 'true', 'n': '1'}, {'at': None, 'n': '2.5'}]
    """
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            columns.append(pc.cast(column, pa.string()))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            raise UnreadableFileError(f"column {name!r} is {column.type}, which is no plain value") from None
    cells = pa.table(columns, names=table.column_names)
    return TextTable(cells, np.arange(1, cells.num_rows + 1))


def _opened(data: bytes) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.BufferReader(data))
    except _NOT_PARQUET:
        raise UnreadableFileError("the file is not Parquet, or it is cut") from None


def _header(data: bytes) -> tuple[list[str], str]:
    line = data.partition(b"\n")[0].rstrip(b"\r")
    if not line.strip():
        raise UnreadableFileError("the file is empty")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableFileError("the file is not UTF-8 text") from None
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        names = [name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=delimiter))]
    except csv.Error:
        raise UnreadableFileError("the first line is no list of column names") from None
    _check_names(names)
    return names, delimiter


def _check_names(names: Sequence[str]) -> None:
    if "" in names:
        raise UnreadableFileError(f"column {names.index('') + 1} has no name in the first line")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableFileError(f"the first line names {', '.join(map(repr, twice))} twice")


def _without_cells(message: str) -> str:
    if "UTF" in message or "utf" in message:
        return "the file is not UTF-8 text"
    if "Empty" in message:
        return "the file is empty"
    return "the file is not CSV: its quotes or line breaks cannot be followed"
