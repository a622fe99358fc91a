"""Recognises a file by its content and opens it as blocks of text cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from headrace.ml.files.columnar_file import OrcFile, ParquetFile
from headrace.ml.files.csv_file import CsvFile
from headrace.ml.files.json_file import JsonFile
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.text_file import look_at
from headrace.ml.files.unpacking import unpacked
from headrace.ml.files.workbook import Workbook
from headrace.ml.text_table import TextTable

_HEAD = 4096
_SAID_OTHERWISE = (
    (
        b"\xd0\xcf\x11\xe0",
        FileReason.ENCRYPTED,
        "an old Excel file or one with a password: save it as .xlsx or CSV",
    ),
    (b"PARE", FileReason.ENCRYPTED, "encrypted Parquet: write it without a key"),
    (b"Obj\x01", FileReason.BINARY, "Avro: write it as Parquet"),
    (b"%PDF", FileReason.BINARY, "a PDF: drop the table itself, as CSV"),
    (b"\x89PNG", FileReason.BINARY, "an image"),
    (b"\xff\xd8\xff", FileReason.BINARY, "an image"),
)


class TableFile(Protocol):
    """A file that is ready to be read, as often as needed."""

    @property
    def names(self) -> list[str]:
        """Its columns."""
        ...

    def blocks(self) -> Iterator[TextTable]:
        """Yield its rows; every block has all columns."""
        ...


def open_table(path: Path, scratch: Path, options: ReadOptions) -> TableFile:
    r"""Open a file by what its bytes are rather than what its name says.

    Parameters
    ----------
    path : Path
        CSV, JSON Lines, a JSON list, Parquet, ORC or an Excel workbook, packed or not.
    scratch : Path
        A folder of its own for what is unpacked.
    options : ReadOptions
        Limits.

    Raises
    ------
    FileRefusedError
        If it is nothing that can be read, or nothing that may be.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "data").write_bytes(b'{"id": 1, "temp": 0.5}\n{"id": 2}\n')
    >>> [block.cells.to_pylist() for block in open_table(folder / "data", folder, ReadOptions()).blocks()]
    [[{'id': '1', 'temp': '0.5'}, {'id': '2', 'temp': None}]]
    """
    if path.stat().st_size > options.max_bytes:
        raise options.too_large()
    plain = unpacked(path, scratch, options)
    with plain.open("rb") as stream:
        head = stream.read(_HEAD)
    for magic, reason, what in _SAID_OTHERWISE:
        if head.startswith(magic):
            raise FileRefusedError(reason, f"the file is {what}")
    if head.startswith(b"PAR1"):
        return ParquetFile.look_at(plain, options)
    if head.startswith(b"ORC"):
        return OrcFile.look_at(plain, options)
    if head.startswith(b"PK"):
        return _workbook(plain, options)
    return _text_table(plain, options)


def _workbook(path: Path, options: ReadOptions) -> TableFile:
    try:
        return Workbook.look_at(path, options)
    except OSError:
        raise FileRefusedError(FileReason.BROKEN_ARCHIVE, "the archive is cut or damaged") from None


def _text_table(path: Path, options: ReadOptions) -> TableFile:
    text = look_at(path, options)
    with text.open() as stream:
        start = stream.read(_HEAD).lstrip().lower()
    if start.startswith(b"<"):
        raise FileRefusedError(FileReason.NOT_A_TABLE, "the file is a web page or XML, not a table")
    if start.startswith((b"{", b"[")):
        return JsonFile.look_at(text, options)
    return CsvFile.look_at(text, options)
