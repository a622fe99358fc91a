"""Refuses requests that bring personal columns: what is not taken need not be hidden, nor erased."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.ml.privacy.hashing import HASHED
from sagemaker_jobs.serve_model.requests import (
    BYTE_ORDER_MARK,
    JSON_LINES,
    PARQUET,
    WHOLE_BODIES,
    RequestError,
    csv_lines,
    csv_rows,
    media_type,
    parquet_cells,
)


def refuse_personal(body: bytes, content_type: str, names: Sequence[str]) -> None:
    r"""Refuse a request with a cell of a personal column, unless it is missing, or hashed as dropped files are.

    Raises
    ------
    RequestError
        Naming the column, and no value.

    Examples
    --------
    >>> refuse_personal(b"temp,email\n0.3,\n", "text/csv", ["email"])
    >>> refuse_personal(b"temp,email\n0.3,a@b.org\n", "text/csv", ["email"])
    Traceback (most recent call last):
    sagemaker_jobs.serve_model.requests.RequestError: column 'email' is personal: leave it out, or send its keyed hash
    """
    kind = media_type(content_type)
    if kind in WHOLE_BODIES or not _mentions(body, kind, names):
        return
    for name in names:
        if not all(map(_is_hidden, _cells(body, kind, name))):
            raise RequestError(f"column {name!r} is personal: leave it out, or send its keyed hash")


def _mentions(body: bytes, kind: str, names: Sequence[str]) -> bool:
    """Tell at little cost whether a name can be in a body; JSON may write its letters as numbers."""
    return kind in PARQUET or b"\\u" in body or any(name.encode() in body for name in names)


def _is_hidden(cell: Any) -> bool:
    if not isinstance(cell, str):
        return cell is None
    return not cell.strip() or HASHED.fullmatch(cell.strip()) is not None


def _cells(body: bytes, kind: str, name: str) -> Iterator[Any]:
    """Yield the cells of one column; none of a body that cannot be read, which others refuse."""
    try:
        if kind in PARQUET:
            yield from parquet_cells(body).get(name, ())
        elif kind == "text/csv":
            yield from _of_lists(csv_rows(body.removeprefix(BYTE_ORDER_MARK).decode()), name)
        elif kind in JSON_LINES:
            yield from _of_records(
                [json.loads(line) for line in csv_lines(body.decode()) if line.strip()], name
            )
        else:
            yield from _of_json(json.loads(body), name)
    except (ValueError, RecursionError):  # neither UTF-8 nor what its content type says
        return


def _of_json(document: Any, name: str) -> Iterator[Any]:
    if not isinstance(document, dict):
        return _of_records(document, name)
    columns, rows = document.get("columns"), document.get("data")
    if isinstance(columns, list) and isinstance(rows, list):
        return _of_lists([columns, *rows], name)
    return _of_records(document.get("instances", [document]), name)


def _of_lists(rows: Sequence[Any], name: str) -> Iterator[Any]:
    """Yield a column of lists of cells, of which the first has the names."""
    header = [str(cell).strip() for cell in rows[0]] if rows else []
    lists = [row for row in rows[1:] if isinstance(row, list)]
    for place, column in enumerate(header):
        if column == name:
            yield from (row[place] for row in lists if place < len(row))


def _of_records(rows: Any, name: str) -> Iterator[Any]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and name in row:
            yield row[name]
