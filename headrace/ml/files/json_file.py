"""JSON Lines, and JSON files that hold one list of objects, as blocks of text."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from headrace.ml.files.column_names import column_names
from headrace.ml.files.options import ReadOptions, rows_of_block
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.text_file import TextFile
from headrace.ml.text_table import TextTable

_BYTES_OF_A_BLOCK = 2**22
_ROWS_FOR_NAMES = 1000
_CHUNK = 2**18
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class JsonFile:
    """A file of objects, one per row.

    Parameters
    ----------
    text : TextFile
        The file.
    columns : dict of str to str
        Keys of the first thousand objects in the order in which they appear, and the columns that they are; later keys
        are not columns.
    options : ReadOptions
        Limits.
    is_list : bool
        Whether it is one list; else every line is a value.
    """

    text: TextFile
    columns: Mapping[str, str]
    options: ReadOptions
    is_list: bool

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.columns.values())

    @classmethod
    def look_at(cls, text: TextFile, options: ReadOptions) -> JsonFile:
        """Find out the columns.

        Raises
        ------
        FileRefusedError
            If the file holds no object, or keys that cannot be columns.
        """
        keys: dict[str, None] = {}
        is_list = _is_list(text)
        for count, row in enumerate(_rows(text, options, is_list)):
            keys.update(dict.fromkeys(row.cells or ()))
            if count >= _ROWS_FOR_NAMES or len(keys) > options.max_columns:
                break
        if not keys:
            why = "the JSON file holds no objects of plain values that could be rows"
            raise FileRefusedError(FileReason.NOT_A_TABLE, why)
        columns = dict(zip(keys, column_names(list(keys), options), strict=True))
        return cls(text, columns, options, is_list)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block. What is no object of plain values is a broken row.

        Raises
        ------
        FileRefusedError
            If the file is cut, or has a line of more than a megabyte.
        """
        block = _Block(self.columns)
        for number, row in enumerate(_rows(self.text, self.options, self.is_list), start=1):
            block.add(number, row)
            if block.full:
                yield block.table()
                block = _Block(self.columns)
        if block.rows:
            yield block.table()


@dataclass(frozen=True)
class _Row:
    """Cells by their keys, None if the row is broken, and the row as it was written."""

    cells: dict[str, str | None] | None
    written: str


@dataclass
class _Block:
    columns: Mapping[str, str]
    cells: list[list[str | None]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    size: int = 0

    @property
    def rows(self) -> int:
        return len(self.numbers) + len(self.broken)

    @property
    def full(self) -> bool:
        return self.rows >= rows_of_block(len(self.columns)) or self.size > _BYTES_OF_A_BLOCK

    def add(self, number: int, row: _Row) -> None:
        self.size += len(row.written)
        if row.cells is None:
            self.broken[number] = row.written
            return
        self.numbers.append(number)
        self.cells.append([row.cells.get(key) for key in self.columns])

    def table(self) -> TextTable:
        columns = zip(*self.cells, strict=True) if self.cells else ([] for _ in self.columns)
        arrays = [pa.array(column, pa.string()) for column in columns]
        cells = pa.table(arrays, names=list(self.columns.values()))
        return TextTable(cells, np.array(self.numbers, dtype=np.int64), self.broken)


def _is_list(text: TextFile) -> bool:
    with text.open() as stream:
        return stream.read(_CHUNK).lstrip()[:1] == b"["


def _rows(text: TextFile, options: ReadOptions, is_list: bool) -> Iterator[_Row]:
    return _rows_of_list(text, options) if is_list else _rows_of_lines(text, options)


def _rows_of_lines(text: TextFile, options: ReadOptions) -> Iterator[_Row]:
    with text.open() as stream:
        while line := stream.readline(options.block_bytes + 1):
            if len(line) > options.block_bytes:
                raise FileRefusedError(FileReason.LINE_TOO_LONG, "a line is longer than a megabyte")
            if written := line.decode("utf-8").strip():
                yield _Row(_cells(_parsed(written)), written)


def _parsed(line: str) -> Any:
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None


def _rows_of_list(text: TextFile, options: ReadOptions) -> Iterator[_Row]:
    """Read a list value by value, so that it is never in memory whole."""
    left, place, opened = "", 0, False
    for more, last in _texts(text):
        left, place = left[place:] + more, 0
        if not opened:
            left, opened = left.lstrip().removeprefix("["), True
        while found := _next(left, place):
            row, place = found
            yield row
        if len(left) - place > options.block_bytes:
            raise FileRefusedError(FileReason.LINE_TOO_LONG, "a value is longer than a megabyte")
        if last and left[place:].strip() != "]":
            raise FileRefusedError(FileReason.DAMAGED, "the JSON list is cut, or what is in it is no JSON")


def _next(left: str, place: int) -> tuple[_Row, int] | None:
    """Return the value at `place` and where the next begins, or None if it is not there whole."""
    start = _after_space(left, place)
    if left[start : start + 1] in ("", "]"):
        return None
    try:
        value, end = _DECODER.raw_decode(left, start)
    except (ValueError, RecursionError):
        return None
    after = _after_space(left, end)
    if after == len(left):  # a number could go on in the next chunk, and a comma must follow
        return None
    if left[after] not in ",]":
        raise FileRefusedError(FileReason.DAMAGED, "the JSON list has no comma between two values")
    return _Row(_cells(value), left[start:end]), after + (left[after] == ",")


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _texts(text: TextFile) -> Iterator[tuple[str, bool]]:
    """Yield the file's text in chunks, and whether it was the last."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with text.open() as stream:
        while chunk := stream.read(_CHUNK):
            yield decoder.decode(chunk), False
    yield decoder.decode(b"", final=True), True


def _object(pairs: list[tuple[str, Any]]) -> Any:
    """Make an object of pairs; `_TWICE` if a key comes twice, because nobody knows which counts."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else _TWICE


_TWICE = object()
# Numbers stay as they are written: 1.10 is an id somewhere, and 1e400 no infinity.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=str)


def _cells(value: Any) -> dict[str, str | None] | None:
    """Return the cells of an object of plain values, or None if it is none."""
    if not isinstance(value, dict):
        return None
    cells = {key: _text(cell) for key, cell in value.items()}
    whole = _NO_TEXT not in cells.values() and all(map(_is_text, cells))
    return cells if whole else None


_NO_TEXT = "\ud800"
"""Stands for what cannot be a cell."""


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    # JSON can write halves of letters, which no text has.
    return value if isinstance(value, str) and _is_text(value) else _NO_TEXT


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
