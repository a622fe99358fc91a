"""Recognises a file by its content and opens it as blocks of text cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from headrace.ml.files import zip_archive
from headrace.ml.files.avro_file import AvroFile
from headrace.ml.files.corpus import FolderArchive, ListedImages, SingleFile, class_of, names_one
from headrace.ml.files.csv_file import CsvFile
from headrace.ml.files.json_file import JsonFile
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.parquet_file import ParquetFile
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.text_file import look_at
from headrace.ml.files.unpacking import unpacked
from headrace.ml.files.workbook import CONTENT_TYPES, Workbook
from headrace.ml.text_table import TextTable

_HEAD = 4096
_FOLDERS_OF_A_CLASS = 3  # incoming/<any>/<class>/
_SAID_OTHERWISE = (
    (
        b"\xd0\xcf\x11\xe0",
        FileReason.ENCRYPTED,
        "an old Excel file or one with a password: save it as .xlsx or CSV",
    ),
    (b"PARE", FileReason.ENCRYPTED, "encrypted Parquet: write it without a key"),
    (b"ORC", FileReason.CODEC, "ORC, which cannot be read here: write it as Parquet"),
    (b"%PDF", FileReason.BINARY, "a PDF: drop the table itself, as CSV"),
    (b"\x89PNG", FileReason.BINARY, "an image, and not in the folder of a class"),
    (b"\xff\xd8\xff", FileReason.BINARY, "an image, and not in the folder of a class"),
    (b"PK\x05\x06", FileReason.ARCHIVE_CONTENT, "an archive that holds nothing"),
    (b"PK\x03\x04", FileReason.ARCHIVE_CONTENT, "an archive in another one: pack it once"),
    (b"\x1f\x8b", FileReason.ARCHIVE_CONTENT, "compressed twice: compress it once"),
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

    Only a single text or image of a corpus is known by its name: ``…/<any>/<class>/<file>.txt``.

    Parameters
    ----------
    path : Path
        CSV, JSON Lines, a JSON list, Parquet, Avro or an Excel workbook, packed or not; texts or images in a ZIP archive.
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
    if options.corpus and is_single(options):
        return SingleFile(path, options.key, options.corpus)
    if _head(path).startswith(zip_archive.MAGIC):
        return _archive(path, scratch, options)
    return _plain_table(unpacked(path, scratch, options), options)


def is_single(options: ReadOptions) -> bool:
    """Tell whether a file is one text or image of a corpus, by where it was dropped."""
    return names_one(options.key, options.corpus) and options.key.count("/") >= _FOLDERS_OF_A_CLASS


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEAD)


def _archive(path: Path, scratch: Path, options: ReadOptions) -> TableFile:
    """Open a workbook, a corpus, or the one table of an archive."""
    with zip_archive.opened(path, options) as archive:
        if CONTENT_TYPES in archive.namelist():
            return Workbook.look_at(path, options)
        files = zip_archive.files_in(archive)
        of_corpus = [file for file in files if names_one(file.filename, options.corpus)]
        tables = [file for file in files if file not in of_corpus]
        if options.corpus and of_corpus and not tables:
            for file in of_corpus:
                class_of(file.filename)
            return FolderArchive(path, options.corpus, options)
        if len(tables) != 1 or (of_corpus and options.corpus and options.corpus.kind == "text"):
            raise _not_one_table(len(files))
        target = zip_archive.extracted(archive, tables[0], scratch / "member", options)
    table = _plain_table(target, options)
    if not options.corpus or not of_corpus:
        return table
    folder = tables[0].filename.rpartition("/")[0]
    return ListedImages.look_at(path, table, folder, options.corpus, options)


def _not_one_table(files: int) -> FileRefusedError:
    why = (
        f"the ZIP archive holds {files} files: drop one table in each, or only texts or images in folders, one for "
        "each class, with `columns:` declaring the text or the image"
    )
    return FileRefusedError(FileReason.ARCHIVE_CONTENT, why)


def _plain_table(path: Path, options: ReadOptions) -> TableFile:
    head = _head(path)
    if head.startswith(zip_archive.MAGIC):
        with zip_archive.opened(path, options) as archive:
            if CONTENT_TYPES in archive.namelist():
                return Workbook.look_at(path, options)
    for magic, reason, what in _SAID_OTHERWISE:
        if head.startswith(magic):
            raise FileRefusedError(reason, f"the file is {what}")
    if head.startswith(b"PAR1"):
        return ParquetFile.look_at(path, options)
    if head.startswith(b"Obj\x01"):
        return AvroFile.look_at(path, options)
    return _text_table(path, options)


def _text_table(path: Path, options: ReadOptions) -> TableFile:
    text = look_at(path, options)
    with text.open() as stream:
        start = stream.read(_HEAD).lstrip().lower()
    if start.startswith(b"<"):
        raise FileRefusedError(FileReason.NOT_A_TABLE, "the file is a web page or XML, not a table")
    if start.startswith((b"{", b"[")):
        return JsonFile.look_at(text, options)
    return CsvFile.look_at(text, options)
