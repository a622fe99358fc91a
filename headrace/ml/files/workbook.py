"""Excel workbooks: one sheet as blocks of text. Nothing in them is ever run, linked or expanded."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow as pa

from headrace.ml.files import zip_archive
from headrace.ml.files.column_names import column_names
from headrace.ml.files.excel_dates import is_date_format
from headrace.ml.files.options import ReadOptions, rows_of_block
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.sheet_rows import Surroundings, shared_texts, sheet_rows
from headrace.ml.files.xml_parts import BrokenXmlError, read_whole
from headrace.ml.text_table import TextTable

CONTENT_TYPES = "[Content_Types].xml"
_BOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_TEXTS, _STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
_LARGEST_TEXTS = 24 * 2**20  # bytes; in memory they may be four times as much
_ACTIVE_PARTS = ("vbaproject.bin", "externallinks/", "activex/", "macrosheets/")
_YES = ("1", "true")


@dataclass(frozen=True)
class Workbook:
    """A workbook whose parts were checked and whose first line was read.

    Parameters
    ----------
    path : Path
        Where it is.
    part : str
        The part of it that is the sheet.
    names : list of str
        Its columns.
    header_row : int
        The first row of the sheet that is not blank; 1 is the top.
    around : Surroundings
        What the sheet needs of the other parts.
    options : ReadOptions
        Limits.
    """

    path: Path
    part: str
    names: list[str]
    header_row: int
    around: Surroundings
    options: ReadOptions

    @classmethod
    def look_at(cls, path: Path, options: ReadOptions) -> Workbook:
        """Check the parts, choose the sheet and read its first line.

        Raises
        ------
        FileRefusedError
            If it has macros, links or entities, is too large unpacked, damaged, or has not the sheet that is named.
        """
        with _opened(path, options) as archive:
            _check_parts(archive)
            part = _sheet_part(archive, options)
            around = _surroundings(archive)
            with archive.open(part) as sheet:
                for number, cells in sheet_rows(sheet, around):
                    header = [cells.get(place, "") for place in range(max(cells) + 1)]
                    return cls(path, part, column_names(header, options), number, around, options)
        raise FileRefusedError(FileReason.EMPTY, "the sheet is empty")

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block; blank ones are left out.

        Raises
        ------
        FileRefusedError
            If a part is damaged.
        """
        most = rows_of_block(len(self.names))
        block: list[tuple[int, dict[int, str]]] = []
        with _opened(self.path, self.options) as archive, archive.open(self.part) as sheet:
            for number, cells in sheet_rows(sheet, self.around):
                if number > self.header_row:
                    block.append((number - self.header_row, cells))
                if len(block) >= most:
                    yield self._table(block)
                    block = []
            if block:
                yield self._table(block)

    def _table(self, block: list[tuple[int, dict[int, str]]]) -> TextTable:
        width = len(self.names)
        broken = {number: _joined(cells) for number, cells in block if max(cells) >= width}
        whole = [(number, cells) for number, cells in block if number not in broken]
        columns = [pa.array([cells.get(place) for _, cells in whole], pa.string()) for place in range(width)]
        numbers = np.array([number for number, _ in whole], dtype=np.int64)
        return TextTable(pa.table(columns, names=self.names), numbers, broken)


def _joined(cells: dict[int, str]) -> str:
    """Return the cells of a row that has too many; one far to the right does not stand behind a thousand tabs."""
    return "\t".join(cells[place] for place in sorted(cells))


@contextmanager
def _opened(path: Path, options: ReadOptions) -> Iterator[ZipFile]:
    """Open the archive; whatever turns out to be damaged in it is a damaged workbook."""
    with zip_archive.opened(path, options) as archive:
        try:
            yield archive
        except (BrokenXmlError, KeyError, *zip_archive.BROKEN):
            why = "the workbook is damaged, or no .xlsx: save it anew, or as CSV"
            raise FileRefusedError(FileReason.DAMAGED, why) from None


def _check_parts(archive: ZipFile) -> None:
    names = [name.lower() for name in archive.namelist()]
    if any(word in name for name in names for word in _ACTIVE_PARTS):
        why = "the workbook has macros or links to other files: save it as .xlsx without them, or as CSV"
        raise FileRefusedError(FileReason.ACTIVE_CONTENT, why)
    if _TEXTS in archive.namelist() and archive.getinfo(_TEXTS).file_size > _LARGEST_TEXTS:
        why = f"the workbook has more than {_LARGEST_TEXTS} bytes of different texts: save it as CSV"
        raise FileRefusedError(FileReason.TOO_LARGE, why)


def _sheet_part(archive: ZipFile, options: ReadOptions) -> str:
    """Return the part that is the sheet which the options name, or the first that is visible."""
    sheets = {about["name"]: about for about in _elements(archive, _BOOK, "sheet")}
    visible = [about for about in sheets.values() if about.get("state", "visible") == "visible"]
    if options.sheet is not None and options.sheet not in sheets:
        why = f"the workbook has no sheet {options.sheet!r}, which ingest.sheet names"
        raise FileRefusedError(FileReason.NOT_A_TABLE, why)
    if options.sheet is None and not visible:
        raise FileRefusedError(FileReason.EMPTY, "the workbook has no visible sheet")
    chosen = visible[0] if options.sheet is None else sheets[options.sheet]
    link = next((value for name, value in chosen.items() if name.rpartition(":")[2] == "id"), "")
    targets = {about["Id"]: about["Target"] for about in _elements(archive, _LINKS, "Relationship")}
    return posixpath.normpath(posixpath.join("/xl", targets[link])).lstrip("/")


def _surroundings(archive: ZipFile) -> Surroundings:
    since_1904 = any(about.get("date1904") in _YES for about in _elements(archive, _BOOK, "workbookPr"))
    texts: list[str] = []
    if _TEXTS in archive.namelist():
        with archive.open(_TEXTS) as part:
            texts = shared_texts(part)
    return Surroundings(texts, _date_styles(archive), since_1904)


def _date_styles(archive: ZipFile) -> frozenset[int]:
    """Return the cell formats, by their places, that show a number as a moment."""
    if _STYLES not in archive.namelist():
        return frozenset()
    codes = {int(each["numFmtId"]): each["formatCode"] for each in _elements(archive, _STYLES, "numFmt")}
    formats = [int(each.get("numFmtId", 0)) for each in _elements(archive, _STYLES, "xf", within="cellXfs")]
    return frozenset(
        place for place, number in enumerate(formats) if is_date_format(number, codes.get(number))
    )


def _elements(archive: ZipFile, part: str, name: str, *, within: str | None = None) -> list[dict[str, str]]:
    """Return the attributes of a part's elements of one name, of all or of those within another element."""
    elements = _Elements(name, within)
    with archive.open(part) as source:
        read_whole(source, elements)
    return elements.found


class _Elements:
    """Reads the attributes of some elements."""

    def __init__(self, name: str, within: str | None) -> None:
        self.found: list[dict[str, str]] = []
        self._name, self._within = name, within
        self._inside = within is None

    def enter(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._within:
            self._inside = True
        elif name == self._name and self._inside:
            self.found.append(attributes)

    def leave(self, name: str) -> None:
        if name == self._within:
            self._inside = False

    def add(self, text: str) -> None:
        pass
