"""The rows of a worksheet, one after the other, each as the cells that it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import IO

from headrace.ml.files.excel_dates import moment
from headrace.ml.files.xml_parts import BrokenXmlError, pieces, read_whole

_MOST_ROWS, _MOST_COLUMNS = 2**20, 2**14
_LETTERS = 26
_LONGEST_CELL = 2**20


@dataclass(frozen=True)
class Surroundings:
    """What a sheet needs of its workbook.

    Parameters
    ----------
    texts : sequence of str
        Texts that cells refer to by number.
    dates : frozenset of int
        Styles that show numbers as moments.
    since_1904 : bool
        Whether moments count from 1904, as on old Macs, rather than from 1900.
    """

    texts: Sequence[str]
    dates: frozenset[int]
    since_1904: bool


def sheet_rows(source: IO[bytes], around: Surroundings) -> Iterator[tuple[int, dict[int, str]]]:
    """Yield number and cells of each row that has any, by their columns; 1 is the top row, 0 the left column.

    Raises
    ------
    BrokenXmlError
        If a row or a cell is where none can be.
    FileRefusedError
        If the part declares entities.
    """
    sheet = _Sheet(around)
    for _ in pieces(source, sheet):
        rows, sheet.rows = sheet.rows, []
        yield from rows


def shared_texts(source: IO[bytes]) -> list[str]:
    """Return the texts of a workbook's table of texts.

    Raises
    ------
    BrokenXmlError
        If it is damaged.
    """
    table = _Texts()
    read_whole(source, table)
    return table.found


class _Text:
    """Collects the text of one cell: `v` is a value, `t` a piece of text; `f`, a formula, is passed over."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._size = 0
        self._wanted = self._spoken = False

    def clear(self) -> None:
        """Begin another cell."""
        self.parts, self._size = [], 0

    def enter(self, name: str) -> None:
        """Note that an element begins: `rPh` is how a text is spoken in Japanese, which does not belong to it."""
        if name in ("v", "t"):
            self._wanted = not self._spoken
        elif name == "rPh":
            self._spoken = True

    def leave(self, name: str) -> None:
        """Note that an element ends."""
        if name in ("v", "t"):
            self._wanted = False
        elif name == "rPh":
            self._spoken = False

    def add(self, text: str) -> None:
        """Note text, but no more than a megabyte or two."""
        if self._wanted and self._size <= _LONGEST_CELL:
            self.parts.append(text)
            self._size += len(text)


class _Texts:
    """Reads a table of texts."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._text = _Text()
        self.add = self._text.add

    def enter(self, name: str, _: dict[str, str]) -> None:
        if name == "si":
            self._text.clear()
        else:
            self._text.enter(name)

    def leave(self, name: str) -> None:
        if name == "si":
            self.found.append("".join(self._text.parts))
        else:
            self._text.leave(name)


class _Sheet:
    """Reads a sheet."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._dates = {str(style) for style in around.dates}
        self.rows: list[tuple[int, dict[int, str]]] = []
        self._row, self._column = 0, -1
        self._cells: dict[int, str] = {}
        self._about: dict[str, str] = {}
        self._text = _Text()
        self.add = self._text.add

    def enter(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._column = _column(attributes.get("r"), self._column + 1)
            self._about = attributes
            self._text.clear()
        elif name == "row":
            self._row, self._column = _row_number(attributes.get("r"), self._row + 1), -1
            self._cells = {}
        else:
            self._text.enter(name)

    def leave(self, name: str) -> None:
        if name == "c":
            if self._text.parts and (cell := self._cell("".join(self._text.parts))):
                self._cells[self._column] = cell
        elif name == "row":
            if self._cells:
                self.rows.append((self._row, self._cells))
        else:
            self._text.leave(name)

    def _cell(self, text: str) -> str:
        kind = self._about.get("t", "n")
        if kind == "n":
            if self._about.get("s", "0") in self._dates:
                return moment(text, since_1904=self._around.since_1904)
            return text
        if kind == "s":
            return _shared(text, self._around.texts)
        if kind == "b":
            return "true" if text.strip() == "1" else "false"
        return text


def _shared(place: str, texts: Sequence[str]) -> str:
    number = _whole(place)
    if not 0 <= number < len(texts):
        raise BrokenXmlError
    return texts[number]


def _whole(text: str) -> int:
    """Return a number that Excel can write there, or -1."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1  # noqa: PLR2004


def _row_number(reference: str | None, following: int) -> int:
    row = following if reference is None else _whole(reference)
    if not following <= row <= _MOST_ROWS:
        raise BrokenXmlError
    return row


@lru_cache(maxsize=_MOST_COLUMNS)
def _place(letters: str) -> int:
    """Return the place of a column by its letters, where A is 0; -1 if they are none."""
    if not letters.isascii() or not letters.isalpha():
        return -1
    place = 0
    for letter in letters[: len("XFD") + 1].upper():
        place = _LETTERS * place + ord(letter) - ord("A") + 1
    return place - 1


def _column(reference: str | None, following: int) -> int:
    """Return the column of a reference such as ``AB12``, or the following one if there is none."""
    column = following if reference is None else _place(reference.rstrip("0123456789"))
    if not 0 <= column < _MOST_COLUMNS:
        raise BrokenXmlError
    return column
