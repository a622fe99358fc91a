"""Reads the rows of a request, in whatever form it came."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.serve_model.parquet_reader import ParquetReader
from sagemaker_jobs.serve_model.settings import MAX_BODY_BYTES

Cells = dict[str, Sequence[Any]]
"""Raw cells by feature, in the order of the schema."""

# A text or an image in base64 is longer than what the csv module takes unasked.
csv.field_size_limit(MAX_BODY_BYTES)

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
JSON_LINES = ("application/jsonlines", "application/x-jsonlines", "application/jsonl")
PARQUET = ("application/x-parquet", "application/vnd.apache.parquet", "application/parquet")
CONTENT_TYPES = ("text/csv", "application/json", *JSON_LINES, *PARQUET)
WHOLE_BODIES = {"text/plain": "text", "image/png": "image", "image/jpeg": "image"}
"""Content types whose body is one cell, and the kind of the only feature that a model must have for them."""

_PARQUET_READER = ParquetReader()
_MOST_HEADERS = 256


class RequestError(ValueError):
    """A request cannot be answered; the text names row and column, and repeats no value."""


class ContentTypeError(RequestError):
    """The content type is none that this server reads."""


class RequestTooLargeError(RequestError):
    """A request holds more than this server takes."""


@lru_cache(_MOST_HEADERS)
def media_type(header: str) -> str:
    """Return the media type that a header names, without its parameters; CSV if it names none.

    It is asked several times for each request, and callers send the same headers over and over.

    Examples
    --------
    >>> media_type("Application/JSON; charset=utf-8"), media_type("")
    ('application/json', 'text/csv')
    """
    return header.partition(";")[0].strip().lower() or "text/csv"


def read_cells(body: bytes, content_type: str, schema: Sequence[ColumnSchema]) -> Cells:
    r"""Return what the model is asked, by feature.

    Columns that the model does not know are ignored. Columns that it needs must be there; a cell may be empty or null.

    Parameters
    ----------
    body : bytes
        UTF-8. CSV with a header, or without one in the order of the schema; JSON as a list of records or of lists, under
        ``instances``, or as ``columns`` and ``data``; or one JSON record or list per line. A Parquet file. For a model
        whose only feature is a text or an image, also the text or the file itself.
    content_type : str
        Media type, with or without parameters; empty means CSV.
    schema : sequence of ColumnSchema
        The features.

    Returns
    -------
    dict of str to sequence
        One sequence of raw cells per feature, all equally long and not empty.

    Raises
    ------
    ContentTypeError
        If the content type is unknown.
    RequestError
        If the body is malformed, empty, or lacks a column.

    Examples
    --------
    >>> schema = [ColumnSchema("temp", "number"), ColumnSchema("hr", "number")]
    >>> read_cells(b"hr,day,temp\n5,1,0.3\n", "text/csv", schema)
    {'temp': ('0.3',), 'hr': ('5',)}
    >>> read_cells(b'{"instances": [{"temp": 0.3, "hr": 5}]}', "application/json", schema)
    {'temp': [0.3], 'hr': [5]}
    """
    kind = media_type(content_type)
    if kind in WHOLE_BODIES:
        return _whole_body(body, kind, schema)
    names = [column.name for column in schema]
    if kind in PARQUET:
        cells = _read_parquet(body, names)
    elif kind in _READERS:
        cells = _READERS[kind](_decoded(body), names)
    else:
        raise ContentTypeError(f"content type {kind[:100]!r} is not one of {', '.join(_types_for(schema))}")
    if not cells or not cells[names[0]]:
        raise RequestError("the body has no rows")
    return cells


def _decoded(body: bytes) -> str:
    try:
        return body.removeprefix(BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        raise RequestError("the body is not UTF-8 text") from None


def _types_for(schema: Sequence[ColumnSchema]) -> list[str]:
    """Return the content types that a model takes."""
    kinds = [column.kind for column in schema]
    return [*CONTENT_TYPES, *(name for name, kind in WHOLE_BODIES.items() if kinds == [kind])]


def _whole_body(body: bytes, content_type: str, schema: Sequence[ColumnSchema]) -> Cells:
    kind = WHOLE_BODIES[content_type]
    if [column.kind for column in schema] != [kind]:
        raise ContentTypeError(f"{content_type} is for models whose only feature is of the kind {kind}")
    if not body:
        raise RequestError("the body is empty")
    return {schema[0].name: [body if kind == "image" else _decoded(body)]}


def csv_lines(text: str) -> list[str]:
    """Return the lines, ended as files end them: a text may hold what Unicode counts as the end of a line."""
    return (text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text).split("\n")


def _read_csv(text: str, names: Sequence[str]) -> Cells:
    rows = csv_rows(text)
    if not rows:
        return {}
    if not first_row_is_header(rows[0], set(names)):
        return _by_position(rows, names)
    header = [cell.strip() for cell in rows[0]]
    _refuse_twice(header, names)
    return _chosen(_by_position(rows[1:], header), names)


def first_row_is_header(cells: Sequence[str], names: Set[str]) -> bool:
    """Tell whether the first row of a CSV names columns: it does if one of its cells is the name of a feature.

    Examples
    --------
    >>> first_row_is_header(["hr ", "day"], {"temp", "hr"}), first_row_is_header(["5", "1"], {"temp", "hr"})
    (True, False)
    """
    return not names.isdisjoint(map(str.strip, cells))


def csv_rows(text: str) -> list[list[str]]:
    """Return the cells of every line that is not blank."""
    if '"' not in text:
        return [line.split(",") for line in csv_lines(text) if line]
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        raise RequestError("the body is not CSV: its quotes cannot be followed") from None


def _read_json(text: str, names: Sequence[str]) -> Cells:
    body = _parsed(text, "the body")
    if isinstance(body, dict):
        if "columns" in body and isinstance(body.get("data"), list):
            return _read_split(body, names)
        body = body.get("instances", [body])
    if not isinstance(body, list):
        raise RequestError('the body is no list of rows; send {"instances": [...]}')
    return _by_row(body, names)


def _read_split(body: Mapping[str, Any], names: Sequence[str]) -> Cells:
    columns = body["columns"]
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise RequestError("`columns` is no list of names")
    _refuse_twice(columns, names)
    return _chosen(_by_position(body["data"], columns), names)


def _read_json_lines(text: str, names: Sequence[str]) -> Cells:
    lines = [line for line in csv_lines(text) if line.strip()]
    return _by_row([_parsed(line, f"row {row}") for row, line in enumerate(lines, 1)], names)


def _read_parquet(body: bytes, names: Sequence[str]) -> Cells:
    return _chosen(parquet_cells(body), names)


def parquet_cells(body: bytes) -> Cells:
    """Return the cells of all columns of a Parquet file.

    Raises
    ------
    RequestError
        If it cannot be read.
    """
    read = _PARQUET_READER.read(body)
    if "refused" in read:
        raise (RequestTooLargeError if read["too_large"] else RequestError)(read["refused"])
    cells: Cells = read["cells"]
    return cells


def _by_row(rows: Sequence[Any], names: Sequence[str]) -> Cells:
    if rows and isinstance(rows[0], dict):
        return _by_name(rows, names)
    return _by_position(rows, names)


def _by_name(rows: Sequence[Any], names: Sequence[str]) -> Cells:
    try:
        return {name: [row[name] for row in rows] for name in names}
    except (KeyError, TypeError, IndexError):
        pass
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise RequestError(f"row {number} is no record, as the first is")
        if missing := [name for name in names if name not in row]:
            raise RequestError(f"row {number} has no {_listed(missing)}; send null for what is not known")
    raise RequestError("the rows cannot be read")


def _by_position(rows: Sequence[Any], names: Sequence[str]) -> Cells:
    width = len(names)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list):
            raise RequestError(f"row {number} is no list of cells, and no record")
        if len(row) != width:
            raise RequestError(
                f"row {number} has {len(row)} cells, and {width} columns are expected: {_shown(names)}"
            )
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}


def _refuse_twice(header: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a feature that is there twice: which of both is meant, only the caller knows."""
    if len(set(header)) == len(header):
        return
    if twice := [name for name in names if header.count(name) > 1]:
        raise RequestError(f"the body has the {_listed(twice)} more than once")


def _chosen(cells: Cells, names: Sequence[str]) -> Cells:
    if missing := [name for name in names if name not in cells] if cells else []:
        raise RequestError(f"the body has no {_listed(missing)}; send empty cells for what is not known")
    return {name: cells[name] for name in names} if cells else {}


def _parsed(text: str, what: str) -> Any:
    try:
        document = json.loads(text)
        if "\\u" in text:
            json.dumps(document, ensure_ascii=False).encode()  # half of a pair of escapes is no character
    except (ValueError, RecursionError):
        raise RequestError(f"{what} is not JSON") from None
    return document


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""  # noqa: PLR2004
    return f"column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names[:10]))}{more}"


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")  # noqa: PLR2004


_READERS: dict[str, Callable[[str, Sequence[str]], Cells]] = {
    "text/csv": _read_csv,
    "application/json": _read_json,
    **dict.fromkeys(JSON_LINES, _read_json_lines),
}
