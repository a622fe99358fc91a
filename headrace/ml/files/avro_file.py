"""Avro files of flat records as blocks of text. Read here, because the library for it does not fit beside Lambda's layers."""

from __future__ import annotations

import datetime as dt
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headrace.ml.files.avro_container import BrokenAvroError, Container, Cursor
from headrace.ml.files.column_names import column_names
from headrace.ml.files.options import ReadOptions, rows_of_block
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.text_table import TextTable

_BROKEN = (
    BrokenAvroError,
    UnicodeDecodeError,
    OverflowError,
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    pa.ArrowException,
)
_EPOCH = dt.datetime(1970, 1, 1)
_LARGEST_SCALE = 100

Reader = Callable[[Cursor], str | None]
"""Reads one cell."""


@dataclass(frozen=True)
class AvroFile:
    """An Avro file whose schema was read.

    Parameters
    ----------
    container : Container
        The file.
    names : list of str
        Its columns.
    readers : tuple of callable
        What reads the cells of each.
    options : ReadOptions
        Limits.
    """

    container: Container
    names: list[str]
    readers: tuple[Reader, ...]
    options: ReadOptions

    @classmethod
    def look_at(cls, path: Path, options: ReadOptions) -> AvroFile:
        """Read the schema.

        Raises
        ------
        FileRefusedError
            If it is damaged or no flat record, or the codec is unknown.
        """
        try:
            container = Container.look_at(path)
            fields = container.schema["fields"]
            names = column_names([str(field["name"]) for field in fields], options)
            kinds = [field["type"] for field in fields]
            if not names:
                raise _damaged()
        except (*_BROKEN, KeyError, TypeError):
            raise _damaged() from None
        readers = tuple(_reader(name, kind) for name, kind in zip(names, kinds, strict=True))
        return cls(container, names, readers, options)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block.

        Raises
        ------
        FileRefusedError
            If a block is cut, damaged or too large.
        """
        number, most = 1, rows_of_block(len(self.names))
        try:
            for rows, data in self.container.blocks(len(self.names), self.options):
                cursor = Cursor(data)
                for start in range(0, rows, most):
                    here = min(most, rows - start)
                    cells = [[read(cursor) for read in self.readers] for _ in range(here)]
                    yield self._table(cells, number)
                    number += here
                if cursor.place != len(data):
                    raise BrokenAvroError
        except _BROKEN:
            raise _damaged() from None

    def _table(self, rows: list[list[str | None]], number: int) -> TextTable:
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        numbers = np.arange(number, number + len(rows))
        return TextTable(pa.table(columns, names=self.names), numbers)


def _reader(name: str, kind: Any) -> Reader:
    """Return what reads the cells of a column.

    Raises
    ------
    FileRefusedError
        If they are lists or structures.
    """
    if isinstance(kind, list):
        return partial(_of_union, tuple(_scalar(name, each) for each in kind))
    return _scalar(name, kind)


def _scalar(name: str, kind: Any) -> Reader:
    about = kind if isinstance(kind, dict) else {"type": kind}
    plain, logical = str(about.get("type")), str(about.get("logicalType"))
    if plain == "enum" and isinstance(about.get("symbols"), list):
        return partial(_enum, tuple(map(str, about["symbols"])))
    if logical == "decimal" and plain in ("bytes", "fixed"):
        return partial(_decimal, _size(about), _scale(about))
    if plain == "fixed":
        return partial(_fixed, _size(about) or 0)
    found = _LOGICAL.get((plain, logical)) or _PLAIN.get(plain)
    if found is None:
        raise FileRefusedError(FileReason.NESTED, f"column {name!r} is no plain value")
    return found


def _size(about: dict[str, Any]) -> int | None:
    size = about.get("size")
    return size if isinstance(size, int) and size >= 0 else None


def _scale(about: dict[str, Any]) -> int:
    scale = about.get("scale", 0)
    return scale if isinstance(scale, int) and 0 <= scale <= _LARGEST_SCALE else 0


def _of_union(readers: tuple[Reader, ...], cursor: Cursor) -> str | None:
    which = cursor.long()
    if not 0 <= which < len(readers):
        raise BrokenAvroError
    return readers[which](cursor)


def _enum(symbols: tuple[str, ...], cursor: Cursor) -> str:
    which = cursor.long()
    if not 0 <= which < len(symbols):
        raise BrokenAvroError
    return symbols[which]


def _fixed(size: int, cursor: Cursor) -> str:
    return cursor.take(size).decode()


def _decimal(size: int | None, scale: int, cursor: Cursor) -> str:
    data = cursor.sized() if size is None else cursor.take(size)
    if len(data) > _LARGEST_SCALE:
        raise BrokenAvroError
    return str(Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-scale))


def _boolean(cursor: Cursor) -> str:
    return "true" if cursor.take(1) != b"\0" else "false"


def _long(cursor: Cursor) -> str:
    return str(cursor.long())


def _float(cursor: Cursor) -> str:
    return str(np.frombuffer(cursor.take(4), "<f4")[0])


def _double(cursor: Cursor) -> str:
    return repr(struct.unpack("<d", cursor.take(8))[0])


def _text(cursor: Cursor) -> str:
    return cursor.sized().decode()


def _date(cursor: Cursor) -> str:
    return (_EPOCH + dt.timedelta(days=cursor.long())).date().isoformat()


def _moment(per_second: int, cursor: Cursor) -> str:
    micros = cursor.long() * (1_000_000 // per_second)
    return (_EPOCH + dt.timedelta(microseconds=micros)).isoformat()


_PLAIN: dict[str, Reader] = {
    "null": lambda _: None,
    "boolean": _boolean,
    "int": _long,
    "long": _long,
    "float": _float,
    "double": _double,
    "string": _text,
    "bytes": _text,
}
_LOGICAL: dict[tuple[str, str], Reader] = {
    ("int", "date"): _date,
    ("long", "timestamp-millis"): partial(_moment, 1000),
    ("long", "timestamp-micros"): partial(_moment, 1_000_000),
    ("long", "local-timestamp-millis"): partial(_moment, 1000),
    ("long", "local-timestamp-micros"): partial(_moment, 1_000_000),
}


def _damaged() -> FileRefusedError:
    return FileRefusedError(FileReason.DAMAGED, "the Avro file is cut or damaged: drop it again")
