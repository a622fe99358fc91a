"""Compressed files as plain ones on disk, never larger than allowed: a small one may hold terabytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError

CHUNK = 2**20
_ZSTD_WINDOW_LOG = 26  # 64 MB, which its levels up to 21 take at most
_XZ_MEMORY = 2**27  # bytes; the highest level of xz takes 65 MB
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)


class Decompressor(Protocol):
    """What `bz2`, `lzma` and `zstd` have in common: one compressed stream."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing is left to unpack."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came behind the stream's end."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most `max_length` bytes of what is packed in `data`."""
        ...


def unpacked(path: Path, scratch: Path, options: ReadOptions) -> Path:
    """Return `path` itself, or what it holds as a file in `scratch` if it is gzip, bzip2, xz or zstd.

    Raises
    ------
    FileRefusedError
        If it is damaged or too large unpacked.
    """
    with path.open("rb") as stream:
        head = stream.read(8)
    chunks = next((chunks for magic, chunks in _FORMATS.items() if head.startswith(magic)), None)
    if chunks is None:
        return path
    try:
        return written(chunks(path), scratch / "unpacked", options)
    except _BROKEN:
        why = "the archive is cut or damaged: drop it again"
        raise FileRefusedError(FileReason.BROKEN_ARCHIVE, why) from None


def written(chunks: Iterable[bytes], target: Path, options: ReadOptions) -> Path:
    """Write chunks to `target` and return it, unless they are more than a file may have.

    Raises
    ------
    FileRefusedError
        If they are.
    """
    size = 0
    with target.open("wb") as sink:
        for chunk in chunks:
            size += len(chunk)
            if size > options.max_bytes:
                raise options.too_large()
            sink.write(chunk)
    return target


def zstd() -> Any:
    """Return the library for zstd: the standard library's from Python 3.14 on, its backport before.

    Raises
    ------
    FileRefusedError
        If neither is there, as in Glue.
    """
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - an optional part of Python
        else:
            from backports import zstd  # noqa: PLC0415 - not installed everywhere
    except ImportError:
        why = "the file is compressed with zstd, which cannot be unpacked here: use gzip"
        raise FileRefusedError(FileReason.CODEC, why) from None
    return zstd


def zstd_decompressor() -> Decompressor:
    """Return a decompressor of one frame, which looks back on 64 MB and no more."""
    library = zstd()
    limits = {library.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    decompressor: Decompressor = library.ZstdDecompressor(options=limits)
    return decompressor


def _gzip_chunks(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as source:
        while chunk := source.read(CHUNK):
            yield chunk


def _chunks(opened: Callable[[], Decompressor], path: Path) -> Iterator[bytes]:
    """Yield what is packed in a file of one or more streams, one behind the other."""
    with path.open("rb") as source:
        data = source.read(CHUNK)
        while data:
            decompressor = opened()
            while not decompressor.eof:
                if decompressor.needs_input and not data:
                    data = source.read(CHUNK)
                    if not data:
                        raise EOFError
                chunk = decompressor.decompress(data, CHUNK)
                data = b""
                yield chunk
            # xz pads its streams with zeros.
            data = (decompressor.unused_data or source.read(CHUNK)).lstrip(b"\0")


def _zstd_chunks(path: Path) -> Iterator[bytes]:
    broken = zstd().ZstdError
    try:
        yield from _chunks(zstd_decompressor, path)
    except broken:
        raise EOFError from None


_FORMATS: dict[bytes, Callable[[Path], Iterator[bytes]]] = {
    b"\x1f\x8b": _gzip_chunks,
    b"BZh": partial(_chunks, bz2.BZ2Decompressor),
    b"\xfd7zXZ\x00": partial(_chunks, partial(lzma.LZMADecompressor, memlimit=_XZ_MEMORY)),
    b"\x28\xb5\x2f\xfd": _zstd_chunks,
}
