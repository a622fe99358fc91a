"""ZIP archives: their directory is judged before anything is unpacked, and nothing is written under a name of theirs.

References
----------
.. [1] PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", 4.3: the records, and where they lie.
.. [2] Fifield, D. (2019). A better zip bomb. WOOT '19: files of an archive that overlap.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.unpacking import CHUNK, written

MAGIC = b"PK\x03\x04"
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, struct.error)
"""What reading a damaged archive raises."""

_END = b"PK\x05\x06"
_LOCATOR = b"PK\x06\x07"
_END_BYTES = 22
_LONGEST_END = _END_BYTES + 2**16
_LOCATOR_64 = struct.Struct("<4s4xQ4x")
_END_64 = struct.Struct("<40xQ8x")
_LARGEST_DIRECTORY = 2**23
_LOCAL_HEADER_BYTES = 30
_PASSWORD_FLAG = 1
_OF_THE_SYSTEM = (".DS_Store", "Thumbs.db", "desktop.ini")


def opened(path: Path, options: ReadOptions) -> zipfile.ZipFile:
    """Open an archive whose directory is harmless.

    Raises
    ------
    FileRefusedError
        If it is damaged, has a password or more entries than are reasonable, is too large unpacked, or has entries that
        lead elsewhere, overlap or come twice.
    """
    try:
        _check_directory_size(path)
        archive = zipfile.ZipFile(path)
    except (*BROKEN, NotImplementedError):
        raise damaged() from None
    try:
        _check_entries(archive.infolist(), options)
    except FileRefusedError:
        archive.close()
        raise
    return archive


def files_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the entries that a person has put there."""
    return [entry for entry in archive.infolist() if not entry.is_dir() and not _is_the_systems(entry)]


def content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, most: int = -1) -> bytes:
    """Return the bytes of an entry, or its first `most`.

    Raises
    ------
    FileRefusedError
        If it is damaged.
    """
    try:
        with archive.open(entry) as source:
            return source.read(most)
    except BROKEN:
        raise damaged() from None


def extracted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, options: ReadOptions) -> Path:
    """Write an entry to `target` and return it.

    Raises
    ------
    FileRefusedError
        If it is damaged or too large.
    """
    try:
        with archive.open(entry) as source:
            return written(_chunks(source), target, options)
    except BROKEN:
        raise damaged() from None


def damaged() -> FileRefusedError:
    """Return the refusal of an archive that cannot be followed."""
    return FileRefusedError(FileReason.BROKEN_ARCHIVE, "the archive is cut or damaged: drop it again")


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def _check_directory_size(path: Path) -> None:
    """Refuse by the size of the directory: opening the archive reads it whole."""
    start = max(0, path.stat().st_size - _LONGEST_END)
    with path.open("rb") as stream:
        stream.seek(start)
        tail = stream.read()
        place = tail.rfind(_END)
        if place < 0:
            raise zipfile.BadZipFile
        (directory,) = struct.unpack_from("<L", tail, place + 12)
        locator = tail[max(0, place - _LOCATOR_64.size) : place]
        if locator.startswith(_LOCATOR):
            stream.seek(_LOCATOR_64.unpack(locator)[1])
            (directory,) = _END_64.unpack(stream.read(_END_64.size))
    if directory > _LARGEST_DIRECTORY:
        why = "the archive holds more than about 80,000 files: drop several smaller ones"
        raise FileRefusedError(FileReason.ARCHIVE_CONTENT, why)


def _check_entries(entries: list[zipfile.ZipInfo], options: ReadOptions) -> None:
    for entry in entries:
        if entry.flag_bits & _PASSWORD_FLAG:
            raise FileRefusedError(FileReason.ENCRYPTED, "the archive has a password: drop it without")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            why = "the archive is not compressed with deflate, which every ZIP program can do: pack it with that"
            raise FileRefusedError(FileReason.CODEC, why)
        if _leads_elsewhere(entry):
            why = "the archive has links, or names that lead out of it: pack the files themselves"
            raise FileRefusedError(FileReason.ARCHIVE_CONTENT, why)
    if len({entry.filename for entry in entries}) < len(entries):
        why = "the archive has two files of one name: nobody knows which counts"
        raise FileRefusedError(FileReason.ARCHIVE_CONTENT, why)
    if _overlap(entries):
        raise FileRefusedError(FileReason.ARCHIVE_CONTENT, "the files of the archive overlap: pack them anew")
    if sum(entry.file_size for entry in entries) > options.max_bytes:
        raise options.too_large()


def _leads_elsewhere(entry: zipfile.ZipInfo) -> bool:
    name = entry.orig_filename
    parts = PurePosixPath(name).parts
    mode = entry.external_attr >> 16
    windows = "\\" in name or name[1:2] == ":"
    return windows or "\0" in name or ".." in parts or name.startswith("/") or stat.S_ISLNK(mode)


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size for entry in ordered]
    return any(end > after.header_offset for end, after in zip(ends, ordered[1:], strict=False))


def _is_the_systems(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    return path.parts[0] == "__MACOSX" or path.name in _OF_THE_SYSTEM
