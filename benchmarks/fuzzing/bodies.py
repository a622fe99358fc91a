"""Bodies that are nearly right, or not at all: mutations of valid ones, and what a hostile mind writes."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.column_schema import ColumnSchema, Kind

TOKENS: tuple[bytes, ...] = (
    *(
        token.encode()
        for token in "1e999 -1e400 -0 NaN Infinity null true 1_0 0x1 , , \" ' [ ] { } : \\ \\ud800 \\u0000 ٣ ½".split()
    ),
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\x00",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"PAR1",
        b"\x89PNG\r\n\x1a\n",
    ),
    *(b"9" * 400, b"[" * 3000, b'{"a":' * 2000, b'"' * 501, b"," * 999, b" " * 2000, b"x" * 70_000),
    *(
        b"0000-00-00",
        b"9999-12-31T23:59:59-99:99",
        b"2011-02-30",
        b"=cmd|' /C calc'!A0",
        b"${jndi:ldap://x}",
        b"../../etc/passwd",
    ),
)
"""What has broken parsers before."""

_LONGEST = 2 * 10**6

_HALF, _MISSING, _RARELY = 0.5, 0.1, 0.05
_CELLS: dict[Kind, tuple[Any, ...]] = {
    "number": (0.5, -3, 1e-7, 41),
    "category": ("spring", 'a "b"', "2.0", ""),
    "boolean": (True, False),
    "datetime": ("2011-01-31", "2011-01-31T10:00:00+02:00"),
}

Body = tuple[bytes, bytes]
"""A content type and a body."""


def bodies(rng: random.Random, features: Sequence[ColumnSchema]) -> Body:
    """Return a malformed body: of five, three are mutations of valid ones, one is hostile cells in a sound frame, one is noise."""
    kind, body = rng.choice(_VALID)(rng, features)
    way = rng.choice(("mutation", "mutation", "mutation", "hostile cells", "noise"))
    if way == "mutation":
        for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
            body = rng.choice(_MUTATIONS)(rng, body)
    elif way == "hostile cells":
        kind, body = rng.choice(_FRAMES)(rng, features, [_hostile(rng) for _ in features])
    else:
        body = rng.randbytes(rng.choice((0, 1, 7, 100, 5000)))
    if rng.random() < _RARELY:
        kind = rng.choice(_TYPES)
    return kind, body


def _cells(rng: random.Random, features: Sequence[ColumnSchema]) -> list[Any]:
    return [None if rng.random() < _MISSING else rng.choice(_CELLS[column.kind]) for column in features]


def _names(features: Sequence[ColumnSchema]) -> list[str]:
    return [column.name for column in features]


def _hostile(rng: random.Random) -> Any:
    values: tuple[Any, ...] = (
        [], {}, [[]], {"a": {}}, 10**400, -(10**30), 1e308, float("nan"), float("-inf"), True, None, "\ud800", "\x00", "x" * 9999,
        rng.choice(TOKENS).decode("latin-1"), rng.randrange(-(2**70), 2**70), rng.uniform(-1e300, 1e300),
    )  # fmt: skip
    return rng.choice(values)


def _csv(rng: random.Random, features: Sequence[ColumnSchema]) -> Body:
    rows = [
        ",".join("" if cell is None else str(cell) for cell in _cells(rng, features))
        for _ in range(rng.randrange(1, 5))
    ]
    return b"text/csv", "\n".join(
        [",".join(_names(features)), *rows] if rng.random() < _HALF else rows
    ).encode()


def _json(rng: random.Random, features: Sequence[ColumnSchema]) -> Body:
    rows = [_cells(rng, features) for _ in range(rng.randrange(1, 5))]
    records = [dict(zip(_names(features), row, strict=True)) for row in rows]
    document = rng.choice(
        (rows, records, records[0], {"instances": rows}, {"columns": _names(features), "data": rows})
    )
    return b"application/json", json.dumps(document).encode()


def _json_lines(rng: random.Random, features: Sequence[ColumnSchema]) -> Body:
    records = [
        dict(zip(_names(features), _cells(rng, features), strict=True)) for _ in range(rng.randrange(1, 5))
    ]
    return b"application/jsonlines", "\n".join(map(json.dumps, records)).encode()


def _parquet(rng: random.Random, features: Sequence[ColumnSchema]) -> Body:
    odd = ([1.5, None], ["a", "b"], [b"\xff", b"x"], [[1], [2]])
    columns = {
        column.name: rng.choice(odd) if rng.random() < _MISSING else [_CELLS[column.kind][0], None]
        for column in features
    }
    file = io.BytesIO()
    codec = rng.choice(("NONE", "snappy", "gzip", "zstd"))
    pq.write_table(pa.table(columns), file, compression=codec, use_dictionary=rng.random() < _HALF)
    return b"application/x-parquet", file.getvalue()


def _json_frame(rng: random.Random, features: Sequence[ColumnSchema], cells: list[Any]) -> Body:
    rows = rng.choice(
        (
            [cells],
            [cells[:-1]],
            [[*cells, 1]],
            [cells, 5],
            cells,
            [dict(zip(_names(features), cells, strict=True))],
        )
    )
    document = rng.choice(
        (
            rows,
            {"instances": rows},
            {"columns": cells, "data": rows},
            {"columns": _names(features), "data": rows},
        )
    )
    return b"application/json", json.dumps(document).encode()


def _csv_frame(rng: random.Random, features: Sequence[ColumnSchema], cells: list[Any]) -> Body:
    names = _names(features)
    header = ",".join(rng.choice((names, names[:-1], names[:1] * len(names), [*names, ""])))
    text = f"{header}\n{','.join(map(str, cells))}\n"
    return b"text/csv", text.encode("utf-8", "surrogatepass")


def _flip(rng: random.Random, body: bytes) -> bytes:
    place = rng.randrange(len(body) or 1)
    return body[:place] + bytes([rng.randrange(256)]) + body[place + 1 :]


def _cut(rng: random.Random, body: bytes) -> bytes:
    start, stop = sorted((rng.randrange(len(body) + 1), rng.randrange(len(body) + 1)))
    return body[:start] + body[stop:]


def _end_early(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _insert(rng: random.Random, body: bytes) -> bytes:
    place = rng.randrange(len(body) + 1)
    return body[:place] + rng.choice(TOKENS) + body[place:]


def _repeat(rng: random.Random, body: bytes) -> bytes:
    start, stop = sorted((rng.randrange(len(body) + 1), rng.randrange(len(body) + 1)))
    return body[:stop] + (body[start:stop] * rng.choice((1, 3, 50)))[:_LONGEST] + body[stop:]


_VALID: tuple[Callable[[random.Random, Sequence[ColumnSchema]], Body], ...] = (
    _csv,
    _csv,
    _json,
    _json,
    _json_lines,
    _parquet,
)
_FRAMES = (_json_frame, _json_frame, _csv_frame)
_MUTATIONS = (_flip, _cut, _end_early, _insert, _insert, _repeat)
_TYPES = (
    b"",
    b"text/csv",
    b"application/json",
    b"application/jsonlines",
    b"application/parquet",
    b"text/plain",
    b"image/png",
    b"a/b",
    b"\xff",
)
