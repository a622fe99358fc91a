"""Reads the CSV of refused rows again: as records for machines, and as a table that can be dropped once more."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from headrace.ml.formulas import as_written
from headrace.ml.refusal_records import ROW_FIELDS, row_records
from headrace.ml.rejections import Reason

FINAL = frozenset({Reason.BROKEN_ROW, Reason.DUPLICATE_ID, Reason.DUPLICATE_ROW, Reason.NOT_UNIQUE})
"""Reasons that a retry of single rows cannot change: a broken row has to be edited, and whether a row is the same as another
shows only beside that other, which was accepted."""

_ADDED = len(ROW_FIELDS)
_QUICKLY = 1  # of gzip's levels; the lines are so alike that it makes them small
_BLOCK = 2**24  # bytes; a line of a file is shorter than a megabyte, and quoting can double it


@dataclass(frozen=True)
class RefusedRows:
    """A CSV of refused rows, as the cleaning writes it.

    Parameters
    ----------
    path : Path
        The row's number, the column, the value's class and the reason come first, then the file's columns, and the
        text of broken rows last.
    """

    path: Path

    def write_records(self, target: Path, file: Mapping[str, Any]) -> None:
        """Write one record per row as gzipped JSON Lines; `file` has what is the same for all of them."""
        with gzip.open(target, "wt", encoding="utf-8", compresslevel=_QUICKLY) as stream:
            for block in self._blocks(len(ROW_FIELDS)):
                rows, columns, *rest = block.columns
                found = (each.to_pylist() for each in (rows, as_written(columns), *rest))
                stream.writelines(row_records(file, zip(*found, strict=True)))

    def write_again(self, target: Path) -> int:
        """Write the rows that may be judged anew as Parquet, in their own columns, and return how many they are.

        Every cell is what it was before the file of refused rows was made safe for spreadsheet programs.

        Returns
        -------
        int
            Rows written; if there are none, there is no file.
        """
        names = as_written(pa.chunked_array([self._header()[_ADDED:-1]], pa.string())).to_pylist()
        schema = pa.schema([(name, pa.string()) for name in names])
        rows = 0
        writer: pq.ParquetWriter | None = None
        try:
            for block in self._blocks():
                final = pc.is_in(block.column(_ADDED - 1), value_set=pa.array(sorted(FINAL)))
                kept = block.filter(pc.invert(final)).columns[_ADDED:-1]
                table = pa.table([as_written(cells) for cells in kept], schema=schema)
                if table.num_rows:
                    writer = writer or pq.ParquetWriter(target, schema, compression="snappy")
                    writer.write_table(table)
                    rows += table.num_rows
        finally:
            if writer:
                writer.close()
        return rows

    def _header(self) -> list[str]:
        with self.path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    def _blocks(self, columns: int | None = None) -> Iterator[pa.Table]:
        """Yield the rows as text: all columns, or the first ones, called by their places."""
        places = [str(place) for place in range(len(self._header()))]
        with pacsv.open_csv(
            self.path,
            pacsv.ReadOptions(column_names=places, skip_rows_after_names=1, block_size=_BLOCK),
            pacsv.ParseOptions(newlines_in_values=True),
            # Only a cell without quotes is none: a text may be empty.
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()),
                include_columns=places[:columns],
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])
