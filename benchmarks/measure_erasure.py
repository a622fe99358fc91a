"""How long it takes to look for a person in a gigabyte, and to take them out: `make bench-erasure`; ends in one line of JSON.

Stores of one pipeline in memory, so that what is measured is the work and not a network: Parquet as it is curated, CSV as it is dropped,
requests as they are captured, each with twelve columns. The person has a row in every tenth file. With S3, reading is added: eight objects at once.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from headrace.aws.erasure import Search, remove
from headrace.ml.privacy.hashing import hashed_value
from headrace.ml.privacy.person import Person
from tests.integration.memory_s3 import MemoryS3

_KEY = b"k" * 64
_PERSON = "customer-000000"
_FILES, _ROWS, _COLUMNS, _EVERY = 20, 20_000, 10, 10
_GB = 10**9


def main() -> None:
    """Measure, and print."""
    found = {}
    for name, (folder, body) in _FORMS.items():
        memory = MemoryS3()  # type: ignore[no-untyped-call]
        for number in range(_FILES):
            written = body(_rows(number, hashed=name == "parquet"))
            memory.put_object(Bucket="data", Key=f"{folder}/{number:04}", Body=written)  # type: ignore[no-untyped-call]
        size = sum(len(entry[1][0]) for entries in memory.entries.values() for entry in entries)
        found[name] = _measured(memory, size)
        print(f"{name}: {size / 1e6:.0f} MB in {_FILES} files, {found[name]}")
    slowest = max(each["search_seconds_per_gb"] for each in found.values())
    shown = {f"{name}_{figure}": value for name, each in found.items() for figure, value in each.items()}
    print(json.dumps({**shown, "search_seconds_per_gb": slowest}))


def _measured(memory: Any, size: int) -> dict[str, float]:
    declared = {"id": "order", "subject": "customer", "personal": {"customer": "hash"}}
    person, search = Person.of(_PERSON, declared, _KEY), Search(memory, ("data",))
    started = time.monotonic()
    hits = list(search.hits(person))  # with what is to be left of them
    searched = time.monotonic() - started
    assert len(hits) == _FILES // _EVERY
    for hit in hits:
        remove(search.objects, hit, "2026-01-31T12:00:00Z")
    assert not list(search.hits(person))
    return {
        "search_seconds_per_gb": round(searched * _GB / size, 1),
        "search_ms_per_file": round(1000 * searched / _FILES, 1),
    }


def _rows(number: int, *, hashed: bool) -> pa.Table:
    rng = np.random.default_rng(number)
    people = [f"customer-{person:06}" for person in rng.integers(1, 10**6, _ROWS)]
    if number % _EVERY == 0:
        people[_ROWS // 2] = _PERSON
    if hashed:
        people = [hashed_value(person, _KEY) for person in people]
    cells = {f"c{place}": rng.normal(0, 1, _ROWS).round(4) for place in range(_COLUMNS)}
    orders = [f"{number}-{row}" for row in range(_ROWS)]
    return pa.table({"order": orders, "customer": people, **cells})


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="snappy")
    return buffer.getvalue()


def _csv(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pacsv.write_csv(table, buffer)
    return buffer.getvalue()


def _captured(table: pa.Table) -> bytes:
    rows = table.slice(_ROWS // 2 - 2000, 4000).to_pylist()
    lines = [
        {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "application/json",
                    "data": json.dumps({"instances": [row]}),
                    "encoding": "JSON",
                }
            },
            "eventMetadata": {"eventId": row["order"]},
        }
        for row in rows
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


_FORMS: dict[str, tuple[str, Callable[[pa.Table], bytes]]] = {
    "parquet": ("curated", _parquet),
    "csv": ("incoming", _csv),
    "capture": ("capture", _captured),
}

if __name__ == "__main__":
    main()
