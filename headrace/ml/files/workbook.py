"""Excel workbooks: one sheet as blocks of text. Nothing in them is ever run, linked or expanded."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from headrace.ml.files.column_names import column_names
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.text_table import TextTable

CONTENT_TYPES = "[Content_Types].xml"
_ROWS_OF_A_BLOCK = 5000
_HEAD = 2048
_ACTIVE_PARTS = ("vbaproject.bin", "externallinks/", "activex/", "macrosheets/")
_BROKEN = (
    InvalidFileException,
    zipfile.BadZipFile,
    ParseError,
    KeyError,
    ValueError,
    OSError,
    TypeError,
    AttributeError,
)


@dataclass(frozen=True)
class Workbook:
    """A workbook whose parts were checked and whose first line was read.

    Parameters
    ----------
    path : Path
        Where it is.
    sheet : str
        The sheet that is read.
    names : list of str
        Its columns.
    header_row : int
        The first row of the sheet that is not blank; 1 is the top.
    options : ReadOptions
        Limits.
    """

    path: Path
    sheet: str
    names: list[str]
    header_row: int
    options: ReadOptions

    @classmethod
    def look_at(cls, path: Path, options: ReadOptions) -> Workbook:
        """Check the parts, choose the sheet and read its first line.

        Raises
        ------
        FileRefusedError
            If it has macros, links or entities, is too large unpacked, damaged, or has not the sheet that is named.
        """
        _check_parts(path, options)
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        except _BROKEN:
            raise _damaged() from None
        try:
            sheet = _sheet(book, options)
            for number, cells in _filled_rows(sheet):
                names = column_names([_text(cell) or "" for cell in cells], options)
                return cls(path, sheet.title, names, number, options)
        finally:
            book.close()
        raise FileRefusedError(FileReason.EMPTY, "the sheet is empty")

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block; blank ones are left out."""
        book = openpyxl.load_workbook(self.path, read_only=True, data_only=True, keep_links=False)
        try:
            block: list[tuple[int, Sequence[Any]]] = []
            for number, cells in _filled_rows(book[self.sheet]):
                if number > self.header_row:
                    block.append((number - self.header_row, cells))
                if len(block) >= _ROWS_OF_A_BLOCK:
                    yield self._table(block)
                    block = []
            if block:
                yield self._table(block)
        finally:
            book.close()

    def _table(self, block: Sequence[tuple[int, Sequence[Any]]]) -> TextTable:
        width = len(self.names)
        broken = {
            number: "\t".join(_text(cell) or "" for cell in cells)
            for number, cells in block
            if len(cells) > width
        }
        whole = [(number, cells) for number, cells in block if number not in broken]
        columns = [
            pa.array([_text(cells[place]) if place < len(cells) else None for _, cells in whole], pa.string())
            for place in range(width)
        ]
        numbers = np.array([number for number, _ in whole], dtype=np.int64)
        return TextTable(pa.table(columns, names=self.names), numbers, broken)


def _check_parts(path: Path, options: ReadOptions) -> None:
    """Refuse by the archive's directory, and by the first bytes of each XML part."""
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > options.max_bytes:
            raise options.too_large()
        for part in archive.infolist():
            if any(word in part.filename.lower() for word in _ACTIVE_PARTS):
                why = "the workbook has macros or links to other files: save it as .xlsx without them, or as CSV"
                raise FileRefusedError(FileReason.ACTIVE_CONTENT, why)
            if part.filename.endswith((".xml", ".rels")):
                _check_xml(archive, part)


def _check_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    try:
        with archive.open(part) as stream:
            head = stream.read(_HEAD)
    except (zipfile.BadZipFile, RuntimeError, OSError, EOFError, NotImplementedError):
        raise _damaged() from None
    # In UTF-16 the letters of the keyword stand apart.
    if b"<!DOCTYPE" in (plain := head.replace(b"\0", b"").upper()) or b"<!ENTITY" in plain:
        why = "the workbook declares XML entities, which no spreadsheet program does: save it anew, or as CSV"
        raise FileRefusedError(FileReason.ACTIVE_CONTENT, why)


def _sheet(book: Any, options: ReadOptions) -> Any:
    if options.sheet is not None:
        if options.sheet not in book.sheetnames:
            why = f"the workbook has no sheet {options.sheet!r}, which ingest.sheet names"
            raise FileRefusedError(FileReason.NOT_A_TABLE, why)
        return book[options.sheet]
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not visible:
        raise FileRefusedError(FileReason.EMPTY, "the workbook has no visible sheet")
    return visible[0]


def _filled_rows(sheet: Any) -> Iterator[tuple[int, Sequence[Any]]]:
    """Yield the rows that have a cell, with their number and without blank cells at their end."""
    sheet.reset_dimensions()  # What a file says of its own size is not to be relied on.
    try:
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = list(row)
            while cells and cells[-1] is None:
                cells.pop()
            if cells:
                yield number, cells
    except _BROKEN:
        raise _damaged() from None


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    return str(cell)


def _damaged() -> FileRefusedError:
    return FileRefusedError(FileReason.DAMAGED, "the workbook is damaged: save it anew, or as CSV")
