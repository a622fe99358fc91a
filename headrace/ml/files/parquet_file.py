"""Parquet files as blocks of text: judged by their footer and the heads of their pages before a page is unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.ml.files.column_names import column_names
from headrace.ml.files.options import ReadOptions, rows_of_block
from headrace.ml.files.parquet_pages import Pages, check_pages
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.text_table import TextTable, text_of

_LEAST_BYTES_OF_A_CELL = 2  # in CSV: a digit and a delimiter
_LONG = 1000  # characters of a text that is no category
_MOST_REPEATED = 3  # times the bytes of a file: what repeated long texts may become
_BYTES_OF_A_BLOCK = 2**22
_BYTES_OF_A_BATCH = 2**23
_LEAST_OF_A_BLOCK = 2**20  # bytes: smaller blocks cost more than what is in them
_WIDEST_BYTES = 1000
_NEVER_REPEATED = (
    "DELTA_BYTE_ARRAY",
    "DELTA_LENGTH_BYTE_ARRAY",
)  # encodings that Arrow cannot leave as dictionaries
_BROKEN = (
    pa.ArrowInvalid,
    pa.ArrowNotImplementedError,
    OSError,
    UnicodeDecodeError,
)  # OSError: damaged pages


_TEXT_TYPES = (
    pa.types.is_string,
    pa.types.is_binary,
    pa.types.is_large_string,
    pa.types.is_large_binary,
    pa.types.is_string_view,
    pa.types.is_binary_view,
)


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file, or some row groups of one, whose footer was read.

    Parameters
    ----------
    path : Path
        Where it is.
    names : list of str
        Its columns.
    rows_at_once : int
        How many may be unpacked at a time.
    dictionaries : bool
        Whether repeated texts can stay in a dictionary until they are needed.
    options : ReadOptions
        Limits.
    groups : range
        Which row groups; the first row of the first has number 1.
    """

    path: Path
    names: list[str]
    rows_at_once: int
    dictionaries: bool
    options: ReadOptions
    groups: range

    @classmethod
    def look_at(cls, path: Path, options: ReadOptions) -> ParquetFile:
        """Read the footer and the heads of all pages.

        Raises
        ------
        FileRefusedError
            If it is damaged, encrypted, says that the file is too large unpacked, has nested columns, or names a codec
            that this Arrow does not have.
        """
        file = cls.by_footer(path, options)
        return file.with_pages(file.pages())

    @classmethod
    def by_footer(cls, path: Path, options: ReadOptions) -> ParquetFile:
        """Read the footer alone, and refuse what `look_at` refuses by it.

        No block may be read before the heads of the pages were: `with_pages`.
        """
        try:
            with pq.ParquetFile(path) as file:
                _check_size(file.metadata, options)
                _check_codecs(file.metadata)
                schema, dictionaries = file.schema_arrow, _has_dictionaries(file.metadata)
                groups = range(file.metadata.num_row_groups)
        except _BROKEN as error:
            raise _refusal(str(error)) from None
        names = column_names(schema.names, options)
        _check_types(schema, names)
        return cls(path, names, rows_of_block(len(names)), dictionaries, options, groups)

    def pages(self) -> Pages:
        """Read the heads of the pages.

        Raises
        ------
        FileRefusedError
            If one is damaged, or they unpack to more than a file may have.
        """
        try:
            return check_pages(self.path, pq.read_metadata(self.path), self.groups, self.options)
        except _BROKEN as error:
            raise _refusal(str(error)) from None

    def with_pages(self, pages: Pages) -> ParquetFile:
        """Return the file as it may be read, by what all its pages unpack to."""
        if self.dictionaries:
            return self
        # Each row may be as long as a page, without the page being any longer.
        rows = max(1, min(self.rows_at_once, _BYTES_OF_A_BATCH // max(1, pages.largest)))
        return replace(self, rows_at_once=rows)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block.

        Raises
        ------
        FileRefusedError
            If a page is damaged, or long texts are repeated without end.
        """
        start, repeated = 1, 0
        try:
            # Repeated texts stay in a dictionary: a small file may repeat a long one millions of times.
            with pq.ParquetFile(self.path, read_dictionary=self._texts(), pre_buffer=False) as file:
                batches = file.iter_batches(self.rows_at_once, list(self.groups), use_threads=False)
                for table in _joined(batches, rows_of_block(len(self.names))):
                    longest = max(_longest(column, self.options) for column in table.columns)
                    for part in _numbered(table.rename_columns(self.names), start, longest, self.options):
                        repeated += part.cells.nbytes if longest > _LONG else 0
                        if repeated > _MOST_REPEATED * self.options.max_bytes:
                            raise self.options.too_large()
                        yield part
                    start += table.num_rows
        except _BROKEN as error:
            raise _refusal(str(error)) from None

    def _texts(self) -> list[str]:
        if not self.dictionaries:
            return []
        schema = pq.read_schema(self.path)
        return [entry.name for entry in schema if any(is_text(entry.type) for is_text in _TEXT_TYPES)]


def _joined(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[pa.Table]:
    """Yield small batches together, until they have a megabyte or the rows of a block."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if (
            sum(each.nbytes for each in waiting) >= _LEAST_OF_A_BLOCK
            or sum(each.num_rows for each in waiting) >= most
        ):
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _numbered(table: pa.Table, start: int, longest: int, options: ReadOptions) -> Iterator[TextTable]:
    """Yield the rows as text, in parts that stay small however often a long text is repeated."""
    step = max(1, min(table.num_rows, _BYTES_OF_A_BLOCK // longest))
    for first in range(0, table.num_rows, step):
        part = table.slice(first, step)
        cells = {name: _unpacked(part.column(name), options) for name in part.column_names}
        numbers = np.arange(start + first, start + first + part.num_rows)
        yield TextTable(text_of(pa.table(cells)).cells, numbers)


def _longest(column: pa.ChunkedArray, options: ReadOptions) -> int:
    if not pa.types.is_dictionary(column.type):
        return 1
    lengths = (pc.max(pc.binary_length(chunk.dictionary)).as_py() or 1 for chunk in column.chunks)
    return min(max(lengths, default=1), options.longest_cell)


def _unpacked(column: pa.ChunkedArray, options: ReadOptions) -> pa.ChunkedArray:
    """Repeat the texts of a dictionary, none of them longer than a cell may be."""
    if not pa.types.is_dictionary(column.type):
        return column
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices, pc.utf8_slice_codeunits(_as_text(chunk.dictionary), 0, options.longest_cell)
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
    groups = [about.row_group(index) for index in range(about.num_row_groups)]
    pages = sum(group.total_byte_size for group in groups)
    rows = max(about.num_rows, sum(group.num_rows for group in groups))
    if max(pages, _LEAST_BYTES_OF_A_CELL * rows * about.num_columns) > options.max_bytes:
        raise options.too_large()


def _check_codecs(about: Any) -> None:
    groups = (about.row_group(index) for index in range(about.num_row_groups))
    codecs = {group.column(index).compression for group in groups for index in range(group.num_columns)}
    for codec in sorted(codecs - {"UNCOMPRESSED"}):
        if not pa.Codec.is_available(codec.lower()):
            why = f"the Parquet file is compressed with {codec}: write it with Snappy or gzip"
            raise FileRefusedError(FileReason.CODEC, why)


def _has_dictionaries(about: Any) -> bool:
    groups = (about.row_group(index) for index in range(about.num_row_groups))
    encodings = {
        name
        for group in groups
        for index in range(group.num_columns)
        for name in group.column(index).encodings
    }
    return encodings.isdisjoint(_NEVER_REPEATED)


def _check_types(schema: pa.Schema, names: list[str]) -> None:
    for name, kind in zip(names, schema.types, strict=True):
        if pa.types.is_nested(kind):
            why = f"column {name!r} is {kind}, which is no plain value"
            raise FileRefusedError(FileReason.NESTED, why)
        if pa.types.is_fixed_size_binary(kind) and kind.byte_width > _WIDEST_BYTES:
            why = f"column {name!r} has cells of {kind.byte_width} bytes each"
            raise FileRefusedError(FileReason.TOO_LARGE, why)


def _refusal(message: str) -> FileRefusedError:
    if "encrypt" in message.lower():
        return FileRefusedError(FileReason.ENCRYPTED, "the file is encrypted: drop it without a key")
    if "not yet implemented" in message.lower():
        why = "the Parquet file has an encoding that cannot be read here: write it with plain pages or dictionaries"
        return FileRefusedError(FileReason.CODEC, why)
    return FileRefusedError(FileReason.DAMAGED, "the file is cut or damaged: drop it again")
