"""Texts and images that are files of their own: alone, in the folders of a ZIP archive, or named by a table in one."""

from __future__ import annotations

import base64
import codecs
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from zipfile import ZipFile, ZipInfo

import numpy as np
import pyarrow as pa

from headrace.ml.files import zip_archive
from headrace.ml.files.image_file import LARGEST_BYTES, image_fault
from headrace.ml.files.options import Corpus, ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.text_table import TextTable

if TYPE_CHECKING:
    from headrace.ml.files.table_file import TableFile

_ENDINGS = {"text": (".txt",), "image": (".png", ".jpg", ".jpeg")}
# A byte more than 100,000 characters of four bytes, so that a longer text is still too long where cells are judged.
_MOST_BYTES = {"text": 400_004, "image": LARGEST_BYTES + 1}
_BYTES_OF_A_BLOCK = 2**22
_ROWS_OF_A_BLOCK = 10_000


def names_one(name: str, corpus: Corpus | None) -> bool:
    """Tell whether a file of this name is one text or image of the corpus, rather than a table."""
    return corpus is not None and name.lower().endswith(_ENDINGS[corpus.kind])


@dataclass(frozen=True)
class SingleFile:
    """One text or image, dropped by itself: a table of one row.

    Parameters
    ----------
    path : Path
        Where it is.
    key : str
        Where it was dropped: ``…/<class>/<file>``.
    corpus : Corpus
        What it becomes.
    """

    path: Path
    key: str
    corpus: Corpus

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return _names(self.corpus)

    def blocks(self) -> Iterator[TextTable]:
        """Yield its row."""
        rows = _Rows(self.names)
        with self.path.open("rb") as stream:
            data = stream.read(_MOST_BYTES[self.corpus.kind])
        rows.add(1, _row(data, self.key, self.corpus))
        yield rows.table()


@dataclass(frozen=True)
class FolderArchive:
    """A ZIP archive of texts or images in folders, each folder a class.

    Parameters
    ----------
    path : Path
        The archive.
    corpus : Corpus
        What they become.
    options : ReadOptions
        Limits.
    """

    path: Path
    corpus: Corpus
    options: ReadOptions

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return _names(self.corpus)

    def blocks(self) -> Iterator[TextTable]:
        """Yield a row for each file; what is no image that can be opened safely says why in its place.

        Raises
        ------
        FileRefusedError
            If the archive is damaged.
        """
        rows = _Rows(self.names)
        with zip_archive.opened(self.path, self.options) as archive:
            for number, entry in enumerate(zip_archive.files_in(archive), start=1):
                data = zip_archive.content(archive, entry, most=_MOST_BYTES[self.corpus.kind])
                rows.add(number, _row(data, entry.filename, self.corpus))
                if rows.full:
                    yield rows.table()
                    rows = _Rows(self.names)
        if rows.numbers:
            yield rows.table()


@dataclass(frozen=True)
class ListedImages:
    """A table in a ZIP archive that names the archive's images.

    Parameters
    ----------
    archive : Path
        The archive.
    listing : TableFile
        The table.
    names : list of str
        Its columns; that of the file names is that of the images.
    place : int
        Which of them it is.
    folder : str
        Where in the archive the table lies; its names of files begin there.
    options : ReadOptions
        Limits.
    """

    archive: Path
    listing: TableFile
    names: list[str]
    place: int
    folder: str
    options: ReadOptions

    @classmethod
    def look_at(
        cls, archive: Path, listing: TableFile, folder: str, corpus: Corpus, options: ReadOptions
    ) -> ListedImages:
        """Find the column of file names: that of the images, or ``file_name`` as in other tools' listings.

        Raises
        ------
        FileRefusedError
            If there is neither.
        """
        names = list(listing.names)
        found = [name for name in (corpus.column, "file_name") if name in names]
        if not found:
            why = f"the table in the archive has no column {corpus.column!r} with the names of the images"
            raise FileRefusedError(FileReason.CONTRACT, why)
        place = names.index(found[0])
        names[place] = corpus.column
        return cls(archive, listing, names, place, folder, options)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the table's rows with the images in the place of their names.

        Raises
        ------
        FileRefusedError
            If the archive is damaged.
        """
        with zip_archive.opened(self.archive, self.options) as archive:
            entries = {entry.filename: entry for entry in zip_archive.files_in(archive)}
            for block in self.listing.blocks():
                files = block.cells.column(self.place).to_pylist()
                images = (self._image(file, archive, entries) for file in files)
                if block.broken:
                    yield replace(self._part(block, 0, []), broken=block.broken)
                for start, part in _portions(images):
                    yield self._part(block, start, part)

    def _part(self, block: TextTable, start: int, images: Sequence[str | None]) -> TextTable:
        rows = block.cells.slice(start, len(images))
        cells = rows.set_column(self.place, self.names[self.place], pa.array(images, pa.string()))
        return TextTable(cells, block.row_numbers[start : start + len(images)])

    def _image(self, file: str | None, archive: ZipFile, entries: dict[str, ZipInfo]) -> str | None:
        if file is None:
            return None
        entry = entries.get(posixpath.normpath(posixpath.join(self.folder, file.strip())))
        if entry is None:
            return "no image: the archive has no file of this name"
        return _image_cell(zip_archive.content(archive, entry, most=_MOST_BYTES["image"]))


def _portions(cells: Iterable[str | None]) -> Iterator[tuple[int, list[str | None]]]:
    """Yield cells in portions of a few megabytes, each with the place of its first."""
    start, size, portion = 0, 0, []
    for place, cell in enumerate(cells, start=1):
        portion.append(cell)
        size += len(cell or "")
        if size > _BYTES_OF_A_BLOCK:
            yield start, portion
            start, size, portion = place, 0, []
    if portion:
        yield start, portion


@dataclass
class _Rows:
    names: list[str]
    cells: list[tuple[str | None, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        return self.size > _BYTES_OF_A_BLOCK or len(self.numbers) >= _ROWS_OF_A_BLOCK

    def add(self, number: int, cells: tuple[str | None, ...]) -> None:
        self.numbers.append(number)
        self.cells.append(cells)
        self.size += sum(len(cell or "") for cell in cells)

    def table(self) -> TextTable:
        columns = [pa.array(column, pa.string()) for column in zip(*self.cells, strict=True)]
        return TextTable(pa.table(columns, names=self.names), np.array(self.numbers, dtype=np.int64))


def class_of(name: str) -> str:
    """Return the class of a file, which is the name of its folder.

    Raises
    ------
    FileRefusedError
        If it lies in none.

    Examples
    --------
    >>> class_of("train/cats/1.png")
    'cats'
    """
    folder = PurePosixPath(name).parent.name
    if not folder:
        why = "a text or an image lies in no folder: its folder's name is its class"
        raise FileRefusedError(FileReason.ARCHIVE_CONTENT, why)
    return folder


def _names(corpus: Corpus) -> list[str]:
    return [*([corpus.id] if corpus.id else []), corpus.column, corpus.target]


def _row(data: bytes, name: str, corpus: Corpus) -> tuple[str | None, ...]:
    cell = _image_cell(data) if corpus.kind == "image" else _text_cell(data)
    return (*([name] if corpus.id else []), cell, class_of(name))


def _image_cell(data: bytes) -> str:
    """Return the image in base64, or what is wrong with it in words, which no reader takes for an image."""
    fault = image_fault(data)
    return f"no image: {fault}" if fault else base64.b64encode(data).decode()


def _text_cell(data: bytes) -> str:
    """Return the text of a file in UTF-8, in UTF-16 with its mark, or else in Windows' Western European encoding.

    Raises
    ------
    FileRefusedError
        If it is binary.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise FileRefusedError(FileReason.BINARY, "a file that is called .txt is no text")
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(data)
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
