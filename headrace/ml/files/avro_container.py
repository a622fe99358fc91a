"""Avro's container files: a schema, then blocks of packed rows, none of which may be larger than is safe.

References
----------
.. [1] Apache Avro, "Specification": Object Container Files, Required and Optional Codecs, Binary Encoding.
"""

from __future__ import annotations

import bz2
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.unpacking import Decompressor, zstd_decompressor

MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_CRC_BYTES = 4
_LARGEST_HEADER = 2**20
_LARGEST_BLOCK = 2**25
_LONGEST_VARINT = 10
_LEAST_BYTES_OF_A_CELL = 2  # as in the other formats: a digit and a delimiter


class BrokenAvroError(Exception):
    """The bytes are not what the schema says."""


@dataclass
class Cursor:
    """A place in packed rows."""

    data: bytes
    place: int = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes; `BrokenAvroError` if there are fewer."""
        end = self.place + size
        if size < 0 or end > len(self.data):
            raise BrokenAvroError
        found = self.data[self.place : end]
        self.place = end
        return found

    def long(self) -> int:
        r"""Return the next number, in zigzag and of variable length.

        Examples
        --------
        >>> Cursor(b"\x80\x01").long(), Cursor(b"\x01").long()
        (64, -1)
        """
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follow
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift >= 7 * _LONGEST_VARINT:
                raise BrokenAvroError

    def sized(self) -> bytes:
        """Return the bytes behind their number."""
        return self.take(self.long())


@dataclass(frozen=True)
class Container:
    """An Avro file whose header was read.

    Parameters
    ----------
    path : Path
        Where it is.
    schema : object
        Its schema, as JSON has it.
    codec : str
        How its blocks are packed.
    sync : bytes
        What stands behind each block.
    start : int
        Where the first block begins, in bytes.
    """

    path: Path
    schema: Any
    codec: str
    sync: bytes
    start: int

    @classmethod
    def look_at(cls, path: Path) -> Container:
        """Read the header.

        Raises
        ------
        BrokenAvroError
            If it is damaged.
        FileRefusedError
            If its codec is unknown.
        """
        with path.open("rb") as stream:
            cursor = Cursor(stream.read(_LARGEST_HEADER), len(MAGIC))
        entries = dict(_entries(cursor))
        try:
            schema = json.loads(entries["avro.schema"])
            codec = entries.get("avro.codec", b"null").decode()
        except (KeyError, ValueError, RecursionError):
            raise BrokenAvroError from None
        if codec not in _CODECS:
            why = "the Avro file is compressed with a codec that Avro does not name: write it with deflate"
            raise FileRefusedError(FileReason.CODEC, why)
        sync = cursor.take(_SYNC_BYTES)
        return cls(path, schema, codec, sync, cursor.place)

    def blocks(self, columns: int, options: ReadOptions) -> Iterator[tuple[int, bytes]]:
        """Yield how many rows each block has, and the rows unpacked.

        Raises
        ------
        BrokenAvroError
            If a block is cut or damaged.
        FileRefusedError
            If there are more rows or bytes than may be.
        """
        unpack, size = _CODECS[self.codec], 0
        with self.path.open("rb") as stream:
            stream.seek(self.start)
            while first := stream.read(1):
                rows, packed = self._next_block(stream, first)
                # A row may take no bytes at all, and then a number of eight bytes stands for any number of rows.
                size += _LEAST_BYTES_OF_A_CELL * columns * rows
                if size > options.max_bytes:
                    raise options.too_large()
                data = unpack(packed)
                size += len(data)
                if len(data) > _LARGEST_BLOCK or size > options.max_bytes:
                    raise options.too_large()
                yield rows, data

    def _next_block(self, stream: BinaryIO, first: bytes) -> tuple[int, bytes]:
        head = Cursor(first + stream.read(2 * _LONGEST_VARINT - 1))
        rows, size = head.long(), head.long()
        if rows < 0 or not 0 <= size <= self.path.stat().st_size:
            raise BrokenAvroError
        stream.seek(head.place - len(head.data), 1)
        packed = stream.read(size)
        if len(packed) < size or stream.read(_SYNC_BYTES) != self.sync:
            raise BrokenAvroError
        return rows, packed


def _entries(cursor: Cursor) -> Iterator[tuple[str, bytes]]:
    """Yield the header's map; a negative number of entries has their size in bytes behind it."""
    while count := cursor.long():
        if count < 0:
            cursor.long()
        for _ in range(abs(count)):
            try:
                name = cursor.sized().decode()
            except UnicodeDecodeError:
                raise BrokenAvroError from None
            yield name, cursor.sized()


def _plain(data: bytes) -> bytes:
    return data


def _deflate(data: bytes) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _LARGEST_BLOCK + 1)


def _snappy(data: bytes) -> bytes:
    size, shift = 0, 0
    for byte in data[:_LONGEST_VARINT]:
        size |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follow
            break
        shift += 7
    if size > _LARGEST_BLOCK:
        return b"\0" * (_LARGEST_BLOCK + 1)
    unpacked: bytes = pa.decompress(data[:-_CRC_BYTES], decompressed_size=size, codec="snappy", asbytes=True)
    return unpacked


def _by(opened: Callable[[], Decompressor]) -> Callable[[bytes], bytes]:
    return lambda data: opened().decompress(data, _LARGEST_BLOCK + 1)


_CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": _plain,
    "deflate": _deflate,
    "snappy": _snappy,
    "bzip2": _by(bz2.BZ2Decompressor),
    "xz": _by(lzma.LZMADecompressor),
    "zstandard": _by(zstd_decompressor),
}
