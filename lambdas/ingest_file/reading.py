"""Recognises a file by its content and reads it as text cells."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable

from headrace.ml.text_table import (
    TextTable,
    UnreadableFileError,
    read_csv_text,
    read_parquet_text,
    unpacked_bytes,
)

_HEAD = 65536
_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_MB = 2**20


class FileRefusedError(Exception):
    """A whole file goes to quarantine.

    Parameters
    ----------
    code : str
        For machines, such as ``too_large``.
    why : str
        For people; says what to do, and repeats nothing of the content.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


def read_table(data: bytes, *, max_mb: int) -> TextTable:
    """Read CSV or Parquet, gzipped or not, by what the bytes are rather than what the name says.

    Raises
    ------
    FileRefusedError
        If the file is empty, binary, a web page, broken, or larger than `max_mb` MB when unpacked.
    """
    if not data.strip():
        raise FileRefusedError("empty", "the file is empty")
    if data.startswith(_GZIP):
        data = _unpacked(data, max_mb)
    try:
        if data.startswith(_PARQUET) and unpacked_bytes(data) > max_mb * _MB:
            raise _too_large(max_mb)
        return _reader(data)(data)
    except UnreadableFileError as error:
        raise FileRefusedError("unreadable", str(error)) from None


def _reader(data: bytes) -> Callable[[bytes], TextTable]:
    if data.startswith(_PARQUET):
        return read_parquet_text
    head = data[:_HEAD].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise FileRefusedError("not_a_table", "the file is a web page or XML, not CSV or Parquet")
    if head.startswith((b"{", b"[")):
        raise FileRefusedError("not_a_table", "the file is JSON; drop CSV or Parquet")
    if b"\0" in data:
        raise FileRefusedError("binary", f"the file is {_binary_kind(data)}, neither CSV nor Parquet")
    return read_csv_text


def _binary_kind(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text (save it as UTF-8)"
    if data.startswith(b"PK"):
        return "an Excel workbook or another ZIP archive (save the sheet as CSV)"
    return "binary"


def _unpacked(data: bytes, max_mb: int) -> bytes:
    """Unpack, but never more than allowed: a small archive may hold terabytes."""
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            text = stream.read(max_mb * _MB + 1)
    except (OSError, EOFError, zlib.error):
        raise FileRefusedError(
            "broken_archive", "the gzip archive is cut or damaged: drop it again"
        ) from None
    if len(text) > max_mb * _MB:
        raise _too_large(max_mb)
    return text


def _too_large(max_mb: int) -> FileRefusedError:
    why = f"unpacked, the file is larger than ingest.max_file_mb ({max_mb} MB)"
    return FileRefusedError("too_large", why)
