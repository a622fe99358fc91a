"""JSON Lines, and JSON files that hold one list of objects, as blocks of text."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from headrace.ml.files.column_names import column_names
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.text_file import TextFile
from headrace.ml.text_table import TextTable

_ROWS_OF_A_BLOCK = 10_000
_ROWS_FOR_NAMES = 1000
_CHUNK = 2**18


@dataclass(frozen=True)
class JsonFile:
    """A file of objects, one per row.

    Parameters
    ----------
    text : TextFile
        The file.
    names : list of str
        Keys of the first thousand objects, in the order in which they appear; later ones are not columns.
    options : ReadOptions
        Limits.
    is_list : bool
        Whether it is one list; else every line is a value.
    """

    text: TextFile
    names: list[str]
    options: ReadOptions
    is_list: bool

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
        for count, (_, row) in enumerate(_rows(text, options, is_list)):
            keys.update(dict.fromkeys(row if isinstance(row, dict) else ()))
            if count >= _ROWS_FOR_NAMES or len(keys) > options.max_columns:
                break
        if not keys:
            raise FileRefusedError(
                FileReason.NOT_A_TABLE, "the JSON file holds no objects that could be rows"
            )
        return cls(text, column_names(list(keys), options), options, is_list)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block. What is no object of plain values is a broken row."""
        block = _Block(self.names)
        for number, row in _rows(self.text, self.options, self.is_list):
            block.add(number, row)
            if block.rows >= _ROWS_OF_A_BLOCK:
                yield block.table()
                block = _Block(self.names)
        if block.rows:
            yield block.table()


@dataclass
class _Block:
    names: list[str]
    cells: list[list[str | None]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.numbers) + len(self.broken)

    def add(self, number: int, row: Any) -> None:
        named = {str(key).strip(): value for key, value in row.items()} if isinstance(row, dict) else None
        if named is None or any(isinstance(value, dict | list) for value in named.values()):
            self.broken[number] = row if isinstance(row, str) else json.dumps(row)
            return
        self.numbers.append(number)
        self.cells.append([_text(named.get(name)) for name in self.names])

    def table(self) -> TextTable:
        columns = zip(*self.cells, strict=True) if self.cells else ([] for _ in self.names)
        arrays = [pa.array(column, pa.string()) for column in columns]
        return TextTable(
            pa.table(arrays, names=self.names), np.array(self.numbers, dtype=np.int64), self.broken
        )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _is_list(text: TextFile) -> bool:
    with text.open() as stream:
        return stream.read(_CHUNK).lstrip()[:1] == b"["


def _rows(text: TextFile, options: ReadOptions, is_list: bool) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each row; a line that is no JSON comes as its text."""
    read = _rows_of_list if is_list else _rows_of_lines
    yield from enumerate(read(text, options), start=1)


def _rows_of_lines(text: TextFile, options: ReadOptions) -> Iterator[Any]:
    with text.open() as stream:
        while line := stream.readline(options.block_bytes + 1):
            if len(line) > options.block_bytes:
                raise FileRefusedError(FileReason.LINE_TOO_LONG, "a line is longer than a megabyte")
            if line.strip():
                yield _parsed(line.decode("utf-8").strip())


def _parsed(line: str) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return line


def _rows_of_list(text: TextFile, options: ReadOptions) -> Iterator[Any]:
    """Read a list object by object, so that it is never in memory whole."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    left, opened = "", False
    for more, last in _texts(text):
        left = (left + more).lstrip()
        if not opened:
            left, opened = left[1:].lstrip(), True
        while left and left[0] != "]":
            found = _next(left, decoder.raw_decode)
            if found is None:
                break
            value, left = found
            yield value
        if len(left) > options.block_bytes:
            raise FileRefusedError(FileReason.LINE_TOO_LONG, "an object is longer than a megabyte")
        if last and not left.startswith("]"):
            raise FileRefusedError(FileReason.DAMAGED, "the JSON list is cut, or what is in it is no JSON")


def _next(left: str, decode: Callable[[str], tuple[Any, int]]) -> tuple[Any, str] | None:
    try:
        value, end = decode(left)
    except (ValueError, RecursionError):
        return None
    rest = left[end:].lstrip()
    if not rest:  # a number could go on in the next chunk, and a comma must follow
        return None
    if rest[0] not in ",]":
        raise FileRefusedError(FileReason.DAMAGED, "the JSON list has no comma between two objects")
    return value, rest.removeprefix(",").lstrip()


def _texts(text: TextFile) -> Iterator[tuple[str, bool]]:
    """Yield the file's text in chunks, and whether it was the last."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with text.open() as stream:
        while chunk := stream.read(_CHUNK):
            yield decoder.decode(chunk), False
    yield decoder.decode(b"", final=True), True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of pairs; ``ValueError`` if a key comes twice, because nobody knows which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found
