"""What the pages of a Parquet file unpack to, by their own heads: the footer may say less than the truth.

References
----------
.. [1] Apache Parquet, "parquet.thrift": `PageHeader`, `ColumnMetaData`.
.. [2] Apache Thrift, "Thrift compact protocol encoding".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from headrace.ml.files.options import ReadOptions

LARGEST_PAGE = 2**25
_LARGEST_HEAD = 2**16
_LONGEST_VARINT = 10
_DEEPEST = 8
_UNPACKED, _PACKED = 2, 3  # fields of a page's head
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


class BrokenPageError(OSError):
    """The head of a page cannot be followed."""


@dataclass(frozen=True)
class Pages:
    """What pages unpack to.

    Parameters
    ----------
    largest, total : int
        Bytes of the largest, and of all.
    """

    largest: int = 0
    total: int = 0

    def and_(self, other: Pages) -> Pages:
        """Return what these pages and others unpack to."""
        return Pages(max(self.largest, other.largest), self.total + other.total)

    def check(self, options: ReadOptions) -> None:
        """Refuse them if one is too large, or all of them."""
        if self.largest > LARGEST_PAGE or self.total > options.max_bytes:
            raise options.too_large()


def check_pages(path: Path, about: Any, groups: Iterable[int], options: ReadOptions) -> Pages:
    """Return what the pages of row groups unpack to.

    Parameters
    ----------
    path : Path
        A Parquet file.
    about : pyarrow.parquet.FileMetaData
        Its footer.
    groups : iterable of int
        Which of its row groups.
    options : ReadOptions
        Limits.

    Raises
    ------
    FileRefusedError
        If one page unpacks to more than 32 MB, or all of them to more than a file may have.
    BrokenPageError
        If a page's head is damaged.
    """
    found = Pages()
    with path.open("rb") as stream:
        for group in map(about.row_group, groups):
            for index in range(group.num_columns if group.num_rows else 0):
                for unpacked in _pages(stream, group.column(index)):
                    found = found.and_(Pages(unpacked, unpacked))
                    found.check(options)
    return found


def chunk_place(column: Any) -> tuple[int, int]:
    """Return where the pages of a column's chunk begin in the file, and where they end."""
    start: int = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset:
        start = min(start, column.dictionary_page_offset)
    return start, start + column.total_compressed_size


def _pages(stream: BinaryIO, column: Any) -> list[int]:
    """Return what each page of a column's chunk unpacks to, in bytes."""
    (place, end), found = chunk_place(column), []
    while place < end:
        stream.seek(place)
        head = _Head(stream.read(_LARGEST_HEAD))
        fields = head.fields()
        packed, unpacked = fields.get(_PACKED, -1), fields.get(_UNPACKED, -1)
        if packed < 0 or unpacked < 0:
            raise BrokenPageError
        found.append(unpacked)
        place += head.place + packed
    return found


class _Head:
    """A structure in Thrift's compact protocol, of which only whole numbers are wanted."""

    def __init__(self, data: bytes) -> None:
        self._data, self.place = data, 0

    def fields(self, depth: int = 0) -> dict[int, int]:
        """Return the numbers of a structure by the ids of their fields, and pass over the rest."""
        if depth > _DEEPEST:
            raise BrokenPageError
        found: dict[int, int] = {}
        name = 0
        while head := self._byte():
            step, kind = head >> 4, head & 0xF
            name = name + step if step else self._zigzag()
            if kind in (_I16, _I32, _I64):
                found[name] = self._zigzag()
            else:
                self._skip(kind, depth, in_struct=True)
        return found

    def _skip(self, kind: int, depth: int, *, in_struct: bool) -> None:
        if kind in (_I16, _I32, _I64):
            self._varint()
        elif kind in (_TRUE, _FALSE, _BYTE):
            self.place += int(kind == _BYTE or not in_struct)
        elif kind == _DOUBLE:
            self.place += 8
        elif kind == _BINARY:
            size = self._varint()
            self.place += size
        elif kind in (_LIST, _SET):
            self._skip_list(depth)
        elif kind == _STRUCT:
            self.fields(depth + 1)
        else:  # maps do not occur in page heads
            raise BrokenPageError

    def _skip_list(self, depth: int) -> None:
        head = self._byte()
        size, kind = head >> 4, head & 0xF
        size = self._varint() if size == 0xF else size  # noqa: PLR2004 - says that the size follows
        if size > len(self._data) or depth > _DEEPEST:
            raise BrokenPageError
        for _ in range(size):
            self._skip(kind, depth + 1, in_struct=False)

    def _byte(self) -> int:
        if self.place >= len(self._data):
            raise BrokenPageError
        self.place += 1
        return self._data[self.place - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 7 * _LONGEST_VARINT, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follow
                return value
        raise BrokenPageError

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
