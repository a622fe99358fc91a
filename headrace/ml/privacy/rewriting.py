"""Writes what is left of a dropped file, in the form it had and with the bytes of the other rows, where that can be proved."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from headrace.ml.arrays import Flags
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.table_file import open_table
from headrace.ml.text_table import TextTable

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
ROWS_OF_A_GROUP = 2**17
_LARGEST_MB, _MOST_COLUMNS = 2**20, 10_000


@dataclass(frozen=True)
class DroppedTable:
    """The rows of a dropped file.

    Parameters
    ----------
    cells : pyarrow.Table
        Text columns.
    numbers : ndarray of shape (n_rows,)
        Of the rows in the file, from 1 on.
    broken : dict of int to str
        Texts of the rows with another number of cells, by their numbers.
    """

    cells: pa.Table
    numbers: np.ndarray
    broken: dict[int, str]

    @classmethod
    def read(cls, body: bytes) -> DroppedTable:
        """Read a file of any form; `FileRefusedError` if it has no rows."""
        options = ReadOptions(max_mb=_LARGEST_MB, max_columns=_MOST_COLUMNS)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "dropped"
            path.write_bytes(body)
            blocks: list[TextTable] = list(open_table(path, Path(folder), options).blocks())
        return cls(
            pa.concat_tables([block.cells for block in blocks]),
            np.concatenate([block.row_numbers for block in blocks]),
            {number: text for block in blocks for number, text in block.broken.items()},
        )

    @property
    def rows(self) -> int:
        """How many there are, the broken ones included."""
        return len(self.numbers) + len(self.broken)


def rest_of(body: bytes, table: DroppedTable, gone: Flags) -> bytes | None:
    r"""Return a file without some of its rows and without those that are broken; None if none is left.

    A file in another form than CSV, JSON Lines and Parquet, and one whose rows cannot be told by its lines, is written as CSV in UTF-8.

    Parameters
    ----------
    body : bytes
        The file, packed by gzip or not.
    table : DroppedTable
        What it says.
    gone : ndarray of shape (n_rows,)
        Which of the whole rows are left out.

    Examples
    --------
    >>> body = b'id;note\r\n1;"a\r\nb"\r\n2; c \r\n3;d\r\n'
    >>> rest_of(body, DroppedTable.read(body), np.array([False, True, False]))
    b'id;note\r\n1;"a\r\nb"\r\n3;d\r\n'
    """
    left = table.cells.filter(pa.array(~gone))
    if not left.num_rows:
        return None
    if body.startswith(GZIP):
        rest = rest_of(gzip.decompress(body), table, gone)
        return gzip.compress(rest, mtime=0) if rest is not None else None
    lost = frozenset([*table.numbers[gone].tolist(), *table.broken])
    for form in (_parquet, _json_lines, _csv):
        rest = form(body, table, lost)
        if rest is not None and _says(rest, left):
            return rest
    target = io.BytesIO()
    pacsv.write_csv(left, target)
    return target.getvalue()


def _says(rest: bytes, left: pa.Table) -> bool:
    """Tell whether a rewritten file has the rows that it should: what cannot be read again as it was is written otherwise."""
    try:
        found = DroppedTable.read(rest)
    except FileRefusedError:
        return False
    return not found.broken and bool(found.cells.equals(left) or _texts(found.cells) == _texts(left))


def _texts(table: pa.Table) -> dict[str, list[str | None]]:
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _parquet(body: bytes, table: DroppedTable, lost: frozenset[int]) -> bytes | None:
    if not body.startswith(PARQUET):
        return None
    whole = pq.read_table(io.BytesIO(body), partitioning=None)
    kept = np.array([number not in lost for number in range(1, whole.num_rows + 1)], dtype=bool)
    target = io.BytesIO()
    pq.write_table(whole.filter(pa.array(kept)), target, compression="snappy", row_group_size=ROWS_OF_A_GROUP)
    return target.getvalue()


def _json_lines(body: bytes, table: DroppedTable, lost: frozenset[int]) -> bytes | None:
    if body.lstrip()[:1] != b"{":
        return None
    return _without(list(body.splitlines(keepends=True)), 0, table, lost)


def _csv(body: bytes, table: DroppedTable, lost: frozenset[int]) -> bytes | None:
    if b"\0" in body:  # binary, or an encoding with several bytes for a line break
        return None
    return _without(list(_records(body)), 1, table, lost)


def _without(lines: list[bytes], header: int, table: DroppedTable, lost: frozenset[int]) -> bytes | None:
    """Leave out lines by the numbers of their rows; None if there are not as many lines as rows."""
    full = [bool(line.strip()) for line in lines]
    if sum(full) != header + table.rows:
        return None
    numbers = np.cumsum(full) - header
    kept = [
        line
        for line, row, number in zip(lines, full, numbers.tolist(), strict=True)
        if not (row and number in lost)
    ]
    return b"".join(kept)


def _records(body: bytes) -> Iterator[bytes]:
    """Yield lines with their ends; a line break within quotes ends none."""
    record, quotes = b"", 0
    for line in body.splitlines(keepends=True):
        record += line
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield record
            record = b""
    if record:
        yield record
