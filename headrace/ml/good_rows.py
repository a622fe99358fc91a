"""Good rows on disk, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.cleaning import ARROW_TYPES
from headrace.ml.contract import Contract

CONTRACT_VERSION = "headrace.contract_version"
"""Under this name the metadata of a Parquet file say which contract its rows were cleaned against."""

_ROWS_OF_A_GROUP = 2**16


def curated_schema(contract: Contract) -> pa.Schema:
    """Return the columns of good rows, named as in the catalogue, with the version of the contract."""
    names = contract.table_names
    return pa.schema(
        [(names[column.name], ARROW_TYPES[column.kind]) for column in contract.columns],
        metadata={CONTRACT_VERSION: str(contract.version)},
    )


class GoodRows:
    """Rows of the contract's columns, written to disk in groups; no rows make no file.

    Parameters
    ----------
    folder : Path
        Where the file is written.
    contract : Contract
        What the columns are.
    final : bool
        Whether it is written as Parquet, or as what is quick to write and read again: Arrow's own format.
    """

    def __init__(self, folder: Path, contract: Contract, *, final: bool) -> None:
        names = contract.table_names
        self.schema = curated_schema(contract)
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

    def __enter__(self) -> GoodRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._packing.result()
        self._packer.shutdown()
        if self._writer:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Append rows; their columns are those of the contract, in its order."""
        self.count += table.num_rows
        self._waiting.append(table)
        if sum(each.num_rows for each in self._waiting) >= _ROWS_OF_A_GROUP:
            self._flush()

    def groups(self) -> Iterator[tuple[int, pa.Table]]:
        """Yield what was written, group by group, each with the place of its first row."""
        return groups(self.path)

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
        self._packing = self._packer.submit(self._write, pa.concat_tables(tables))

    def _write(self, rows: pa.Table) -> None:
        # In one piece, so that they are read again as one group.
        self._writer.write_table(rows.combine_chunks(), _ROWS_OF_A_GROUP)

    def _open(self) -> Any:
        # Of all codecs, the Arrow of AWS's layer has only Snappy and gzip.
        if self._final:
            return pq.ParquetWriter(
                self.path, self.schema, compression="snappy", use_dictionary=self._repeated
            )
        return pa.ipc.new_stream(str(self.path), self.schema)


def groups(path: Path) -> Iterator[tuple[int, pa.Table]]:
    """Yield the groups of a file in Arrow's own format, each with the place of its first row."""
    first = 0
    with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source) as stream:
        for batch in stream:
            yield first, pa.Table.from_batches([batch])
            first += batch.num_rows
