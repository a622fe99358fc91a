"""Cleans a whole file of any length: blocks in, one Parquet file and one file of refused rows out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.ml.arrays import Ints
from headrace.ml.cleaning import ARROW_TYPES, Cleaned, clean
from headrace.ml.contract import Contract
from headrace.ml.duplicates import SeenIds
from headrace.ml.files.table_file import TableFile
from headrace.ml.rejections import Reason, Rejection, Rejections, Summary
from headrace.ml.table_names import free_name

_ROWS_OF_A_GROUP = 2**17
_FORMULA = re.compile(r"^\s*[=+\-@\t\r]")
_NUMBER = re.compile(r"^\s*[+-]?[\d.,]+([eE][+-]?\d+)?%?\s*$")


@dataclass(frozen=True)
class CleanedFile:
    """What became of a file's rows.

    Parameters
    ----------
    good : Path or None
        Parquet of the good rows, columns named as in the catalogue; None if there are none.
    rows : int
        How many good rows there are.
    rejected : Path or None
        CSV of the refused rows as they were, the row's number, the column and the reason in front.
    summary : Summary
        Why they were refused.
    """

    good: Path | None
    rows: int
    rejected: Path | None
    summary: Summary

    @property
    def received(self) -> int:
        """Rows of the file."""
        return self.rows + self.summary.rows

    @property
    def bad_row_share(self) -> float:
        """Share of refused rows, 0 to 1; 0 for an empty file."""
        return self.summary.rows / self.received if self.received else 0.0


def clean_file(file: TableFile, contract: Contract, folder: Path) -> CleanedFile:
    """Clean `file` block by block; of rows with the same id the last good one stays.

    Parameters
    ----------
    file : TableFile
        An opened file.
    contract : Contract
        What it must look like.
    folder : Path
        Where the two files are written; what lies there under their names is replaced.

    Raises
    ------
    ContractError
        If the file lacks a column.
    FileRefusedError
        If it turns out to be damaged further down.
    """
    sink = _Sink(contract, folder, file.names)
    with sink.rows:
        for block in file.blocks():
            sink.add(clean(block, contract))
    sink.remove_duplicates()
    return sink.result()


class _GoodRows:
    """A Parquet file that grows by groups of rows."""

    def __init__(self, path: Path, contract: Contract) -> None:
        self.path, self.count = path, 0
        names = contract.table_names
        self.schema = pa.schema(
            [(names[column.name], ARROW_TYPES[column.kind]) for column in contract.columns]
        )
        self._waiting: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> _GoodRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        if self._writer:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        self.count += table.num_rows
        self._waiting.append(table)
        if sum(each.num_rows for each in self._waiting) >= _ROWS_OF_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        tables = [table.rename_columns(self.schema.names) for table in self._waiting if table.num_rows]
        self._waiting = []
        if not tables:
            return
        if self._writer is None:
            # Of all codecs, the Arrow of AWS's layer has only Snappy and gzip.
            self._writer = pq.ParquetWriter(self.path, self.schema, compression="snappy")
        self._writer.write_table(pa.concat_tables(tables), row_group_size=_ROWS_OF_A_GROUP)


class _Sink:
    """Where the rows of a file go."""

    def __init__(self, contract: Contract, folder: Path, names: list[str]) -> None:
        self.contract, self.folder, self.names = contract, folder, names
        self.rows = _GoodRows(folder / "good.parquet", contract)
        self.summary = Summary()
        self._rejected = folder / "rejected.csv"
        self._rejected.unlink(missing_ok=True)
        self._id = contract.named("id")
        self._seen = SeenIds(folder / "ids")
        self._numbers = folder / "numbers"
        self._numbers.unlink(missing_ok=True)

    def add(self, cleaned: Cleaned) -> None:
        self.rows.add(cleaned.good)
        if self._id is not None and cleaned.good.num_rows:
            self._seen.add(cleaned.good.column(self._id))
            with self._numbers.open("ab") as file:
                cleaned.row_numbers.astype(np.int64).tofile(file)
        if len(cleaned.rejections):
            self._reject(cleaned.rejections, cleaned.rejected_text)

    def remove_duplicates(self) -> None:
        """Write the good rows again without those whose id comes again, if there are any."""
        earlier = self._seen.earlier()
        if not len(earlier):
            return
        numbers = np.fromfile(self._numbers, np.int64)
        kept = _GoodRows(self.folder / "unique.parquet", self.contract)
        with kept:
            for first, group in _groups(self.rows.path):
                here = earlier[(earlier >= first) & (earlier < first + group.num_rows)]
                keep = np.ones(group.num_rows, dtype=bool)
                keep[here - first] = False
                kept.add(group.filter(pa.array(keep)))
                self._reject_duplicates(group.take(pa.array(here - first)), numbers[here])
        self.rows = kept

    def result(self) -> CleanedFile:
        good = self.rows.path if self.rows.count else None
        return CleanedFile(good, self.rows.count, self._rejected if self.summary.rows else None, self.summary)

    def _reject_duplicates(self, rows: pa.Table, numbers: Ints) -> None:
        found = [Rejection(int(number), self._id, Reason.DUPLICATE_ID, "text") for number in numbers]
        if not found:
            return
        named = rows.rename_columns([column.name for column in self.contract.columns])
        text = pa.table({name: pc.cast(named.column(name), pa.string()) for name in named.column_names})
        frame = text.to_pandas().astype(object).reindex(columns=self.names)
        frame.insert(0, free_name("row", self.names), numbers)
        self._reject(Rejections.of(found), frame)

    def _reject(self, rejections: Rejections, text: pd.DataFrame) -> None:
        """Append refused rows to the file of them, the column and the reason behind the row's number."""
        self.summary.add(rejections)
        added = {
            "bad_column": [column or "" for column in rejections.columns],
            "value_class": list(rejections.value_classes),
            "reason": [str(reason) for reason in rejections.reasons],
        }
        last = free_name("text", self.names)
        table = text if last in text else text.assign(**{last: None})
        # Such cells do something when a spreadsheet program opens the file.
        table = table.map(lambda cell: f"'{cell}" if _is_formula(cell) else cell)
        for place, (name, values) in enumerate(added.items(), start=1):
            table.insert(place, free_name(name, self.names), values)
        is_new = not self._rejected.exists()
        table.to_csv(self._rejected, mode="a", index=False, header=is_new)


def _is_formula(cell: object) -> bool:
    return isinstance(cell, str) and bool(_FORMULA.match(cell)) and not _NUMBER.match(cell)


def _groups(path: Path) -> Iterator[tuple[int, pa.Table]]:
    """Yield the row groups of a Parquet file, each with the place of its first row."""
    first = 0
    with pq.ParquetFile(path) as file:
        for index in range(file.num_row_groups):
            group = file.read_row_group(index)
            yield first, group
            first += group.num_rows
