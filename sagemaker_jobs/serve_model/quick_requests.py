"""Reads the rows of plain requests in one go: CSV, JSON and JSON Lines as programs write them.

What this reads, `requests.read_cells` reads as well, and in the same way; what it does not, raises one of `UNUSUAL`, and is
for `read_cells`, which is slower, takes more, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import orjson

from headrace.ml.row_blocks import Rows
from sagemaker_jobs.serve_model.requests import (
    BYTE_ORDER_MARK,
    JSON_LINES,
    csv_lines,
    csv_rows,
    first_row_is_header,
)

Places: TypeAlias = "Sequence[int] | None"
"""Where in a row the cell of each feature is; None if rows are in the order of the features."""


def quick_reader(kind: str, names: Sequence[str]) -> Callable[[bytes], tuple[Rows, Places]] | None:
    r"""Return what reads bodies of one media type for the features `names`; None if they are not read here.

    Examples
    --------
    >>> read = quick_reader("text/csv", ["temp", "hr"])
    >>> read(b"hr,day,temp\n5,1,0.3\n")
    (Rows(cells=['5', '1', '0.3'], width=3), [2, 0])
    >>> read(b"0.3,5\n0.4,6\n")
    (Rows(cells=['0.3', '5', '0.4', '6'], width=2), None)
    """
    if kind == "text/csv":
        return _CsvReader(names)
    if kind == "application/json":
        return _JsonReader(names)
    if kind in JSON_LINES:
        return _JsonLinesReader(names)
    return None


class _CsvReader:
    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._known = names, set(names)

    def __call__(self, body: bytes) -> tuple[Rows, Places]:
        text = body.removeprefix(BYTE_ORDER_MARK).decode()
        if '"' in text:
            rows = csv_rows(text)
            width = len(rows[0])
            places, start = self._looked_up(rows[0])
            return Rows(_flattened_rows(rows[start:], width), width), places
        lines = [line for line in csv_lines(text) if line]
        first = lines[0].split(",")
        places, start = self._looked_up(first)
        return Rows(_flattened_lines(lines[start:], len(first)), len(first)), places

    def _looked_up(self, first: list[str]) -> tuple[Places, int]:
        """Return where the features are, by the first row, and which row is the first of the body."""
        if first_row_is_header(first, self._known):
            found = {name.strip(): place for place, name in enumerate(first)}
            if len(found) < len(first):
                raise ValueError
            return [found[name] for name in self._names], 1
        if len(first) != len(self._names):
            raise ValueError
        return None, 0


def _flattened_lines(lines: Sequence[str], width: int) -> list[str]:
    """Return the cells of lines without quotes, each of which has `width` of them."""
    commas = width - 1
    if not lines or any(line.count(",") != commas for line in lines):
        raise ValueError
    return ",".join(lines).split(",")


def _flattened_rows(rows: Sequence[list[str]], width: int) -> list[str]:
    """Return the cells of rows, each of which has `width` of them."""
    if set(map(len, rows)) != {width}:
        raise ValueError
    return list(chain.from_iterable(rows))


class _JsonReader:
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        pick: Any = itemgetter(*names)
        self._pick: Callable[[Any], Sequence[Any]] = (
            pick if len(names) > 1 else lambda record: (pick(record),)
        )

    def __call__(self, body: bytes) -> tuple[Rows, Places]:
        document = orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
        if isinstance(document, Mapping):
            if "columns" in document:
                raise ValueError
            document = document.get("instances", [document])
        return self.read(document)

    def read(self, rows: Any) -> tuple[Rows, Places]:
        """Read a list of lists, or a list of records."""
        kinds = set(map(type, rows))
        width = len(self._names)
        if kinds == {dict}:
            rows = map(self._pick, rows)
            return Rows(list(chain.from_iterable(rows)), width), None
        if kinds != {list}:
            raise ValueError
        return Rows(_flattened_rows(rows, width), width), None


class _JsonLinesReader:
    def __init__(self, names: Sequence[str]) -> None:
        self._reader = _JsonReader(names)

    def __call__(self, body: bytes) -> tuple[Rows, Places]:
        lines = body.removeprefix(BYTE_ORDER_MARK).splitlines()
        return self._reader.read([orjson.loads(line) for line in lines if line.strip()])
