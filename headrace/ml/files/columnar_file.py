"""Parquet and ORC files as blocks of text: judged by what they say of themselves before a page is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.ml.files.column_names import column_names
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.text_table import TextTable, text_of

_ROWS_OF_A_BLOCK = 10_000
_LEAST_BYTES_OF_A_CELL = 2  # in CSV: a digit and a delimiter
_LONGEST_TEXT = 2**20
_BYTES_OF_A_BLOCK = 2**23
_BROKEN = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError)  # OSError: Arrow's word for damaged pages


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file whose footer was read.

    Parameters
    ----------
    path : Path
        Where it is.
    names : list of str
        Its columns.
    options : ReadOptions
        Limits.
    """

    path: Path
    names: list[str]
    options: ReadOptions

    @classmethod
    def look_at(cls, path: Path, options: ReadOptions) -> ParquetFile:
        """Read the footer.

        Raises
        ------
        FileRefusedError
            If it is damaged, encrypted, says that the file is too large unpacked, has nested columns, or names a codec
            that this Arrow does not have.
        """
        try:
            with pq.ParquetFile(path) as file:
                _check_size(file.metadata, options)
                _check_codecs(file.metadata)
                schema = file.schema_arrow
        except _BROKEN as error:
            raise _refusal(str(error)) from None
        names = column_names(schema.names, options)
        _check_types(schema, names)
        return cls(path, names, options)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block.

        Raises
        ------
        FileRefusedError
            If a page is damaged.
        """
        start = 1
        try:
            # Repeated texts stay in a dictionary: a small file may repeat a long one millions of times.
            with pq.ParquetFile(self.path, read_dictionary=self._texts(), pre_buffer=False) as file:
                for batch in file.iter_batches(_ROWS_OF_A_BLOCK, use_threads=False):
                    table = pa.Table.from_batches([batch]).rename_columns(self.names)
                    yield from _numbered(table, start)
                    start += table.num_rows
        except _BROKEN as error:
            raise _refusal(str(error)) from None

    def _texts(self) -> list[str]:
        schema = pq.read_schema(self.path)
        return [
            entry.name for entry in schema if pa.types.is_string(entry.type) or pa.types.is_binary(entry.type)
        ]


@dataclass(frozen=True)
class OrcFile:
    """An ORC file whose footer was read; see `ParquetFile`."""

    path: Path
    names: list[str]
    options: ReadOptions

    @classmethod
    def look_at(cls, path: Path, options: ReadOptions) -> OrcFile:
        """Read the footer.

        Raises
        ------
        FileRefusedError
            If it is damaged or too large, has nested columns, or this Arrow was built without ORC.
        """
        file = _opened_orc(path)
        if _LEAST_BYTES_OF_A_CELL * file.nrows * len(file.schema) > options.max_bytes:
            raise options.too_large()
        names = column_names(file.schema.names, options)
        _check_types(file.schema, names)
        return cls(path, names, options)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, stripe by stripe."""
        file, start = _opened_orc(self.path), 1
        try:
            for stripe in range(file.nstripes):
                table = pa.Table.from_batches([file.read_stripe(stripe)]).rename_columns(self.names)
                yield from _numbered(table, start)
                start += table.num_rows
        except _BROKEN as error:
            raise _refusal(str(error)) from None


def _opened_orc(path: Path) -> Any:
    try:
        from pyarrow import orc  # noqa: PLC0415 - the Arrow of AWS's layer is built without it
    except ImportError:
        raise FileRefusedError(FileReason.CODEC, "ORC files cannot be read here: drop Parquet") from None
    try:
        return orc.ORCFile(path)
    except _BROKEN as error:
        raise _refusal(str(error)) from None


def _numbered(table: pa.Table, start: int) -> Iterator[TextTable]:
    """Yield the rows as text, in parts that stay small however often a long text is repeated."""
    longest = max([1, *(_longest(column) for column in table.columns)])
    step = max(1, min(table.num_rows, _BYTES_OF_A_BLOCK // longest))
    for first in range(0, table.num_rows, step):
        part = table.slice(first, step)
        cells = {name: _unpacked(part.column(name)) for name in part.column_names}
        numbers = np.arange(start + first, start + first + part.num_rows)
        yield TextTable(text_of(pa.table(cells)).cells, numbers)


def _longest(column: pa.ChunkedArray) -> int:
    if not pa.types.is_dictionary(column.type):
        return 1
    lengths = (pc.max(pc.binary_length(chunk.dictionary)).as_py() or 1 for chunk in column.chunks)
    return min(max(lengths, default=1), _LONGEST_TEXT)


def _unpacked(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Repeat the texts of a dictionary, none longer than a megabyte."""
    if not pa.types.is_dictionary(column.type):
        return column
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices, pc.utf8_slice_codeunits(_as_text(chunk.dictionary), 0, _LONGEST_TEXT)
        ).dictionary_decode()
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.string())


def _as_text(values: pa.Array) -> pa.Array:
    try:
        return pc.cast(values, pa.string())
    except pa.ArrowInvalid:
        raise FileRefusedError(FileReason.ENCODING, "a column holds bytes that are no UTF-8 text") from None


def _check_size(about: Any, options: ReadOptions) -> None:
    """Refuse by the footer: the pages unpacked, or two bytes for each cell."""
    pages = sum(about.row_group(index).total_byte_size for index in range(about.num_row_groups))
    if max(pages, _LEAST_BYTES_OF_A_CELL * about.num_rows * about.num_columns) > options.max_bytes:
        raise options.too_large()


def _check_codecs(about: Any) -> None:
    groups = (about.row_group(index) for index in range(about.num_row_groups))
    codecs = {group.column(index).compression for group in groups for index in range(group.num_columns)}
    for codec in sorted(codecs - {"UNCOMPRESSED"}):
        if not pa.Codec.is_available(codec.lower()):
            why = f"the Parquet file is compressed with {codec}: write it with Snappy or gzip"
            raise FileRefusedError(FileReason.CODEC, why)


def _check_types(schema: pa.Schema, names: list[str]) -> None:
    for name, kind in zip(names, schema.types, strict=True):
        if pa.types.is_nested(kind):
            why = f"column {name!r} is {kind}, which is no plain value"
            raise FileRefusedError(FileReason.NESTED, why)


def _refusal(message: str) -> FileRefusedError:
    if "encrypt" in message.lower():
        return FileRefusedError(FileReason.ENCRYPTED, "the file is encrypted: drop it without a key")
    return FileRefusedError(FileReason.DAMAGED, "the file is cut or damaged: drop it again")
