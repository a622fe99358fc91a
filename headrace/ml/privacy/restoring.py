"""A copy of a file in which encrypted cells are as they were."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.table_file import open_table
from headrace.ml.privacy.encryption import CellCipher

_LARGEST_MB, _MOST_COLUMNS = 2**20, 10_000


def restored_csv(path: Path, cipher: CellCipher, columns: Sequence[str]) -> tuple[list[str], int]:
    """Return a file as CSV, line by line, with its encrypted cells as they were, and how many those are.

    Parameters
    ----------
    path : Path
        Anything that can be dropped, and the Parquet and CSV that are made of it.
    cipher : CellCipher
        Of the pipeline.
    columns : sequence of str
        That it encrypts.

    Raises
    ------
    FileRefusedError
        If it is no file with rows.
    NotReadableError
        If a cell is another pipeline's.
    """
    target, count = io.StringIO(newline=""), 0
    writer = csv.writer(target, lineterminator="\n")
    with tempfile.TemporaryDirectory() as scratch:
        table = open_table(path, Path(scratch), ReadOptions(max_mb=_LARGEST_MB, max_columns=_MOST_COLUMNS))
        writer.writerow(table.names)
        for block in table.blocks():
            for row in zip(*(column.to_pylist() for column in block.cells.columns), strict=True):
                plain = [cell and cipher.decrypted(cell, columns) for cell in row]
                count += sum(before != after for before, after in zip(row, plain, strict=True))
                writer.writerow(plain)
    return target.getvalue().splitlines(keepends=True), count
