"""What was refused, as JSON Lines for machines and for Athena: one record per row, or one for a whole file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FILE_FIELDS = ("file", "version_id", "dropped_at", "contract_version")
"""What all records of a file share: which version of which file, when it was dropped (ISO 8601, UTC), and the version of
the contract that it was held against, if there was one."""

ROW_FIELDS = ("row_number", "column_name", "value_class", "reason")
"""The row's number from 1, where and what the fault is. No value of a cell is among them."""


def file_record(file: Mapping[str, Any], reason: str) -> str:
    """Return the line about a file that was refused whole.

    Examples
    --------
    >>> line = file_record({"file": "incoming/a.csv", "version_id": "v1"}, "empty")
    >>> {field: value for field, value in json.loads(line).items() if value is not None}
    {'file': 'incoming/a.csv', 'version_id': 'v1', 'reason': 'empty'}
    """
    named = {field: file.get(field) for field in FILE_FIELDS}
    return json.dumps({**named, **dict.fromkeys(ROW_FIELDS), "reason": reason}) + "\n"


def row_records(file: Mapping[str, Any], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Yield the line about each refused row.

    Parameters
    ----------
    file : mapping of str to value
        The `FILE_FIELDS`, as far as they are known.
    rows : iterable of tuple
        The `ROW_FIELDS` of each row; no column means the whole row.

    Examples
    --------
    >>> file = {"file": "incoming/a.csv", "version_id": "v1", "dropped_at": "2026-01-31T12:00:00Z"}
    >>> (line,) = row_records(file, [(7, "temp", "text", "not_a_number")])
    >>> json.loads(line)["row_number"], json.loads(line)["column_name"], json.loads(line)["contract_version"]
    (7, 'temp', None)
    """
    head = json.dumps({field: file.get(field) for field in FILE_FIELDS})[:-1]
    tails: dict[tuple[Any, ...], str] = {}  # millions of rows have a handful of faults
    for row, *fault in rows:
        tail = tails.get(tuple(fault))
        if tail is None:
            tail = json.dumps(dict(zip(ROW_FIELDS[1:], fault, strict=True)))[1:]
            tails[tuple(fault)] = tail
        yield f'{head}, "{ROW_FIELDS[0]}": {int(row)}, {tail}\n'
