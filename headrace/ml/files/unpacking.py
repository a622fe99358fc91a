"""Packed files as plain ones on disk, never larger than allowed: a small archive may hold terabytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.workbook import CONTENT_TYPES

_CHUNK = 2**20
_ZIP = b"PK\x03\x04"
_OF_THE_SYSTEM = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowInvalid)
_PASSWORD_FLAG = 1


def unpacked(path: Path, scratch: Path, options: ReadOptions) -> Path:
    """Return `path` itself, or what it holds as a file in `scratch` if it is gzip, bzip2, xz, zstd or ZIP.

    A workbook is a ZIP archive too, and is returned as it is.

    Raises
    ------
    FileRefusedError
        If the archive is damaged, protected by a password, too large unpacked, or holds not exactly one file.
    """
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(_ZIP):
        return _out_of_zip(path, scratch, options)
    opened = next((opened for magic, opened in _STREAMS.items() if head.startswith(magic)), None)
    return path if opened is None else _copied(partial(opened, path), scratch / "unpacked", options)


def _out_of_zip(path: Path, scratch: Path, options: ReadOptions) -> Path:
    try:
        archive = zipfile.ZipFile(path)
    except (*_BROKEN, NotImplementedError):
        raise _broken() from None
    with archive:
        names = archive.namelist()
        if CONTENT_TYPES in names:
            return path
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not _is_the_systems(member.filename)
        ]
        if len(members) != 1:
            why = f"the ZIP archive holds {len(members)} files: drop one table in each"
            raise FileRefusedError(FileReason.ARCHIVE_CONTENT, why)
        (member,) = members
        if member.flag_bits & _PASSWORD_FLAG:
            raise FileRefusedError(FileReason.ENCRYPTED, "the ZIP archive has a password: drop it without")
        if member.file_size > options.max_bytes:
            raise options.too_large()
        # Under a name of ours: what the member is called never reaches the disk.
        return _copied(lambda: archive.open(member), scratch / "unpacked", options)


def _is_the_systems(name: str) -> bool:
    return name.startswith(_OF_THE_SYSTEM) or Path(name).name in _OF_THE_SYSTEM


def _copied(opened: Callable[[], Any], target: Path, options: ReadOptions) -> Path:
    written = 0
    try:
        with opened() as source, target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > options.max_bytes:
                    raise options.too_large()
                sink.write(chunk)
    except (*_BROKEN, NotImplementedError, RuntimeError):
        raise _broken() from None
    return target


def _broken() -> FileRefusedError:
    return FileRefusedError(FileReason.BROKEN_ARCHIVE, "the archive is cut or damaged: drop it again")


def _zstd(path: Path) -> Any:
    if not pa.Codec.is_available("zstd"):
        why = "the file is compressed with zstd, which cannot be unpacked here: use gzip"
        raise FileRefusedError(FileReason.CODEC, why)
    return pa.input_stream(str(path), compression="zstd")


def _gzip(path: Path) -> BinaryIO | Any:
    return gzip.open(path)


_STREAMS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _zstd,
}
