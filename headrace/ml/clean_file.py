"""Cleans a whole file of any length: blocks in, one Parquet file and one file of refused rows out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from headrace.ml.arrays import Ints
from headrace.ml.cleaning import ARROW_TYPES, Cleaned, clean
from headrace.ml.contract import Contract
from headrace.ml.duplicates import SeenIds
from headrace.ml.files.table_file import TableFile
from headrace.ml.formulas import harmless
from headrace.ml.observation import Observer
from headrace.ml.rejections import Reason, Rejection, Rejections, Summary
from headrace.ml.table_names import free_name

CONTRACT_VERSION = "headrace.contract_version"
"""Under this name the metadata of a Parquet file say which contract its rows were cleaned against."""

_ROWS_OF_A_GROUP = 2**17
_BYTES_OF_A_NUMBER = 8


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
    flagged : Counter of (str, Reason)
        How many good rows break a rule that is declared to be flagged, by column.
    """

    good: Path | None
    rows: int
    rejected: Path | None
    summary: Summary
    flagged: Counter[tuple[str, Reason]]

    @property
    def received(self) -> int:
        """Rows of the file."""
        return self.rows + self.summary.rows

    @property
    def bad_row_share(self) -> float:
        """Share of bad rows among those that no filter drops, 0 to 1; 0 if there are none."""
        filtered = self.summary.by_reason().get(Reason.FILTERED, 0)
        received = self.received - filtered
        return (self.summary.rows - filtered) / received if received else 0.0


def clean_file(
    file: TableFile, contract: Contract, folder: Path, observer: Observer | None = None
) -> CleanedFile:
    """Clean `file` block by block; of rows with the same id the last good one stays.

    Parameters
    ----------
    file : TableFile
        An opened file.
    contract : Contract
        What it must look like.
    folder : Path
        Where the two files are written; what lies there under their names is replaced.
    observer : Observer, optional
        Is shown the good rows.

    Raises
    ------
    ContractError
        If the file lacks a column.
    FileRefusedError
        If it turns out to be damaged further down.
    CleaningStepError
        If a cleaning step fails.
    """
    sink = _Sink(contract, folder, file.names)
    with sink.rows:
        for block in file.blocks():
            cleaned = clean(block, contract)
            sink.add(cleaned)
            if observer:
                observer.add(cleaned.good)
    sink.remove_duplicates()
    return sink.result()


class _GoodRows:
    """Rows of the contract's columns, written to disk in groups."""

    def __init__(self, folder: Path, contract: Contract, *, final: bool) -> None:
        names = contract.table_names
        self.schema = pa.schema(
            [(names[column.name], ARROW_TYPES[column.kind]) for column in contract.columns],
            metadata={CONTRACT_VERSION: str(contract.version)},
        )
        self.count = 0
        self.path = folder / ("good.parquet" if final else "good.arrow")
        self._final = final
        # To look for repetitions takes time, and ids and measured numbers hardly have any.
        self._repeated = [
            names[column.name]
            for column in contract.columns
            if column.kind == "category" and column.role != "id"
        ]
        self._waiting: list[pa.Table] = []
        self._writer: Any = None
        # Arrow packs a group without holding up the cleaning of the next.
        self._packer = ThreadPoolExecutor(1)
        self._packing: Future[None] = self._packer.submit(lambda: None)

    def __enter__(self) -> _GoodRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._packing.result()
        self._packer.shutdown()
        if self._writer:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        self.count += table.num_rows
        self._waiting.append(table)
        if sum(each.num_rows for each in self._waiting) >= _ROWS_OF_A_GROUP:
            self._flush()

    def groups(self) -> Iterator[tuple[int, pa.Table]]:
        """Yield what was written, group by group, each with the place of its first row."""
        first = 0
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                yield first, pa.Table.from_batches([batch])
                first += batch.num_rows

    def _flush(self) -> None:
        tables = [
            table.rename_columns(self.schema.names).replace_schema_metadata(self.schema.metadata)
            for table in self._waiting
            if table.num_rows
        ]
        self._waiting = []
        if not tables:
            return
        if self._writer is None:
            self._writer = self._open()
        self._packing.result()
        self._packing = self._packer.submit(
            self._writer.write_table, pa.concat_tables(tables), _ROWS_OF_A_GROUP
        )

    def _open(self) -> Any:
        # Of all codecs, the Arrow of AWS's layer has only Snappy and gzip.
        if self._final:
            return pq.ParquetWriter(
                self.path, self.schema, compression="snappy", use_dictionary=self._repeated
            )
        return pa.ipc.new_stream(str(self.path), self.schema)


class _RefusedRows:
    """A CSV file of refused rows, for whoever repairs them."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self.path, self._names = path, names
        self._writer: pacsv.CSVWriter | None = None
        self.path.unlink(missing_ok=True)

    def add(self, rejections: Rejections, text: pa.Table) -> None:
        """Append rows, the column, the class of the value and the reason behind the row's number."""
        added = {
            "bad_column": list(rejections.columns),
            "value_class": list(rejections.value_classes),
            "reason": [str(reason) for reason in rejections.reasons],
        }
        for place, (name, values) in enumerate(added.items(), start=1):
            column = pa.chunked_array([values], pa.string())
            text = text.add_column(place, free_name(name, self._names), column)
        cells = [harmless(column) if pa.types.is_string(column.type) else column for column in text.columns]
        names = harmless(pa.chunked_array([text.column_names])).to_pylist()
        table = pa.table(cells, names=names)
        if self._writer is None:
            self._writer = pacsv.CSVWriter(str(self.path), table.schema)
        self._writer.write_table(table)

    def close(self) -> Path | None:
        """Return the file, or None if no row was refused."""
        if self._writer is None:
            return None
        self._writer.close()
        return self.path


class _Sink:
    """Where the rows of a file go."""

    def __init__(self, contract: Contract, folder: Path, names: list[str]) -> None:
        self.contract, self.folder, self.names = contract, folder, names
        self.summary = Summary()
        self.flagged: Counter[tuple[str, Reason]] = Counter()
        self._id = contract.named("id")
        # Rows that may have to be taken back are not packed before it is known which.
        self.rows = _GoodRows(folder, contract, final=self._id is None)
        self._refused = _RefusedRows(folder / "rejected.csv", names)
        self._seen = SeenIds(folder / "ids")
        self._numbers = folder / "numbers"
        self._numbers.unlink(missing_ok=True)

    def add(self, cleaned: Cleaned) -> None:
        self.rows.add(cleaned.good)
        self.flagged += cleaned.flagged
        if self._id is not None and cleaned.good.num_rows:
            self._seen.add(cleaned.good.column(self._id))
            with self._numbers.open("ab") as file:
                cleaned.row_numbers.astype(np.int64).tofile(file)
        if len(cleaned.rejections):
            self._reject(cleaned.rejections, cleaned.rejected_text)

    def remove_duplicates(self) -> None:
        """Leave out good rows whose id comes again, and pack the others."""
        if self._id is None or not self.rows.count:
            return
        earlier = self._seen.earlier()
        with _GoodRows(self.folder, self.contract, final=True) as kept:
            for first, group in self.rows.groups():
                here = earlier[(earlier >= first) & (earlier < first + group.num_rows)]
                if not len(here):
                    kept.add(group)
                    continue
                keep = np.ones(group.num_rows, dtype=bool)
                keep[here - first] = False
                kept.add(group.filter(pa.array(keep)))
                numbers = np.fromfile(
                    self._numbers, np.int64, group.num_rows, offset=_BYTES_OF_A_NUMBER * first
                )
                self._reject_duplicates(group.take(pa.array(here - first)), numbers[here - first])
        self.rows = kept

    def result(self) -> CleanedFile:
        good = self.rows.path if self.rows.count else None
        return CleanedFile(good, self.rows.count, self._refused.close(), self.summary, self.flagged)

    def _reject_duplicates(self, rows: pa.Table, numbers: Ints) -> None:
        found = [Rejection(int(number), self._id, Reason.DUPLICATE_ID, "text") for number in numbers]
        named = rows.rename_columns([column.name for column in self.contract.columns])
        cells = {
            name: pc.cast(named.column(name), pa.string())
            if name in named.column_names
            else pa.nulls(named.num_rows, pa.string())
            for name in self.names
        }
        text = {free_name("row", self.names): numbers, **cells}
        text[free_name("text", self.names)] = pa.nulls(named.num_rows, pa.string())
        self._reject(Rejections.of(found), pa.table(text))

    def _reject(self, rejections: Rejections, text: pa.Table) -> None:
        self.summary.add(rejections)
        self._refused.add(rejections, text)
