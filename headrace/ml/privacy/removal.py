"""Takes the rows of one person out of the bytes of an object, whatever form they have."""

from __future__ import annotations

import base64
import contextlib
import csv
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.privacy.person import Person
from headrace.ml.privacy.rewriting import GZIP, PARQUET, ROWS_OF_A_GROUP, DroppedTable, rest_of


@dataclass(frozen=True)
class Found:
    """What an object holds of a person.

    Parameters
    ----------
    rest : bytes or None
        The object without it; None if nothing is left, or nothing can be taken out.
    records : list of dict
        The person's own rows.
    broken : int
        Rows with the wrong number of cells, which go as well: nobody can tell whose they are.
    ids : set of str
        Ids of those rows.
    """

    rest: bytes | None
    records: list[dict[str, Any]]
    broken: int = 0
    ids: set[str] = field(default_factory=set)


def found_in(body: bytes, person: Person, *, dropped: bool = False) -> Found | None:
    r"""Look for a person in the bytes of an object; None if they are not there.

    Parameters
    ----------
    body : bytes
        Parquet, CSV with a header, JSON or JSON Lines, each gzipped or not; any other text is searched for the name.
    person : Person
        Who.
    dropped : bool
        Whether it is a file that somebody dropped, which may be anything that can be read.

    Examples
    --------
    >>> ann = Person.of("7", {"subject": "customer", "personal": {}}, b"key")
    >>> found_in(b"customer,y\n7,1\n8,2\n", ann)
    Found(rest=b'customer,y\n8,2\n', records=[{'customer': '7', 'y': '1'}], broken=0, ids=set())
    >>> found_in(b"customer,y\n77,1\n8,2\n", ann) is None
    True
    """
    if not person.can_be_in(body):
        return None
    if dropped:
        return _in_dropped(body, person)
    if body.startswith(GZIP):
        return _in_gzip(body, person)
    if body.startswith(PARQUET):
        return _in_parquet(body, person)
    return _in_text(body, person)


def _in_text(body: bytes, person: Person) -> Found | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _whole(body, person)
    if text.lstrip()[:1] in ("{", "["):
        return _in_json(text, person) or _whole(body, person)
    return _in_csv(text, person) or _whole(body, person)


def _whole(body: bytes, person: Person) -> Found | None:
    """Give up an object that names the person and has no rows."""
    return Found(None, [{"text": body.decode(errors="replace")}]) if person.is_named_in(body) else None


def _in_gzip(body: bytes, person: Person) -> Found | None:
    try:
        found = found_in(gzip.decompress(body), person)
    except (OSError, EOFError):
        return None
    if found is None or found.rest is None:
        return found
    return Found(gzip.compress(found.rest, mtime=0), found.records, found.broken, found.ids)


def _in_parquet(body: bytes, person: Person) -> Found | None:
    """Keep the file even if no row is left: the ledger and the catalogue name it."""
    own = [
        name for name in pq.read_schema(io.BytesIO(body)).names if name in person.columns | person.row_columns
    ]
    mine = person.rows_of(pq.read_table(io.BytesIO(body), columns=own, partitioning=None))
    if not mine.any():
        return None
    table = pq.read_table(io.BytesIO(body), partitioning=None)
    target = io.BytesIO()
    pq.write_table(
        table.filter(pa.array(~mine)), target, compression="snappy", row_group_size=ROWS_OF_A_GROUP
    )
    return Found(target.getvalue(), table.filter(pa.array(mine)).to_pylist(), ids=person.ids_of(table))


def _in_dropped(body: bytes, person: Person) -> Found | None:
    try:
        table = DroppedTable.read(body)
    except FileRefusedError:
        return _whole(body, person)
    mine = person.rows_of(table.cells)
    if not mine.any() and not any(person.is_named_in(text.encode()) for text in table.broken.values()):
        return None
    records = table.cells.filter(pa.array(mine)).to_pylist()
    return Found(rest_of(body, table, mine), records, len(table.broken), person.ids_of(table.cells))


def _in_csv(text: str, person: Person) -> Found | None:
    """Look into CSV of our own making: a header, and rows of its length."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    header = [name.removeprefix("'") for name in rows[0]] if rows else []
    if not set(header) & (person.columns | person.row_columns):
        return None
    cells = pa.table(
        [
            pa.array([row[place] if place < len(row) else None for row in rows[1:]], pa.string())
            for place in range(len(header))
        ],
        names=header,
    )
    mine = person.rows_of(cells)
    named = [person.is_named_in(_joined(row).encode()) for row in rows[1:]]
    gone = [bool(own) or other for own, other in zip(mine, named, strict=True)]
    if not any(gone):
        return None
    left = [row for row, mine_too in zip(rows[1:], gone, strict=True) if not mine_too]
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\n").writerows([rows[0], *left])
    rest = target.getvalue().encode() if left else None
    taken = [
        dict(zip(header, row, strict=False)) for row, mine_too in zip(rows[1:], gone, strict=True) if mine_too
    ]
    return Found(rest, taken, ids=person.ids_of(cells))


def _joined(row: Sequence[str]) -> str:
    return ",".join(row)


def _in_json(text: str, person: Person) -> Found | None:
    try:
        return _in_document(json.loads(text), person)
    except ValueError:
        pass
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        mine = [_is_about(json.loads(line), person) or person.is_named_in(line.encode()) for line in lines]
    except (ValueError, RecursionError):
        return None
    if not any(mine):
        return None
    left = [f"{line}\n" for line, own in zip(lines, mine, strict=True) if not own]
    taken = [json.loads(line) for line, own in zip(lines, mine, strict=True) if own]
    return Found("".join(left).encode() or None, taken)


def _in_document(document: Any, person: Person) -> Found | None:
    if not _is_about(document, person):
        return None
    if isinstance(document, list):
        left = [item for item in document if not _is_about(item, person)]
        taken = [item for item in document if _is_about(item, person)]
        return Found(json.dumps(left).encode() if left else None, taken)
    return Found(None, [document])


def _is_about(node: Any, person: Person) -> bool:
    """Tell whether a value of JSON holds a cell of the person, be it in the text of a captured request."""
    if isinstance(node, list):
        return any(_is_about(item, person) for item in node)
    if not isinstance(node, dict):
        return False
    if any(person.owns(name, value) for name, value in node.items()) or _is_in_lists(node, person):
        return True
    if isinstance(node.get("data"), str) and "observedContentType" in node:
        return found_in(_captured(node), person) is not None
    return any(_is_about(value, person) for value in node.values())


def _captured(node: dict[str, Any]) -> bytes:
    """Return the body of a captured request; what is no text stands in the record as base64."""
    body: bytes = node["data"].encode()
    if node.get("encoding") == "BASE64":
        with contextlib.suppress(ValueError):
            return base64.b64decode(body)
    return body


def _is_in_lists(node: dict[str, Any], person: Person) -> bool:
    """Tell whether rows that are lists of cells, with the columns beside, are about the person."""
    columns, rows = node.get("columns"), node.get("data")
    if not isinstance(columns, list) or not isinstance(rows, list):
        return False
    named = [row for row in rows if isinstance(row, list)]
    return any(
        person.owns(str(name), cell) for row in named for name, cell in zip(columns, row, strict=False)
    )
