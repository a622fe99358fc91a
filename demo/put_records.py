"""Put the rows of a CSV file into a Kinesis data stream: `python -m demo.put_records <stream> <file.csv> [--key <column>]`."""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import boto3

_AT_ONCE = 500
"""Records of one ``PutRecords``; more Kinesis does not take."""
_ATTEMPTS = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Put every row of the file, and print how many."""
    parser = argparse.ArgumentParser(prog="python -m demo.put_records", description=__doc__)
    parser.add_argument("stream", help="name of the stream")
    parser.add_argument("file", type=Path, help="CSV with a header")
    parser.add_argument("--key", help="column whose rows keep their order; the first by default")
    options = parser.parse_args(arguments)
    kinesis = boto3.client("kinesis")
    with options.file.open(newline="", encoding="utf-8") as file:
        count = sum(
            put_records(kinesis, options.stream, batch) for batch in _batches(_rows(file, options.key))
        )
    print(f"{count} records put into {options.stream}")  # noqa: T201


def put_records(kinesis: Any, stream: str, records: list[dict[str, Any]]) -> int:
    """Put at most 500 records, those that were not taken again; return how many.

    Raises
    ------
    RuntimeError
        If the stream does not take all of them within half a minute: it has too few shards.
    """
    left = records
    for attempt in range(_ATTEMPTS):
        answer = kinesis.put_records(StreamName=stream, Records=left)
        left = [record for record, said in zip(left, answer["Records"], strict=True) if said.get("ErrorCode")]
        if not left:
            return len(records)
        time.sleep(0.25 * 2**attempt)
    raise RuntimeError(f"{stream} did not take {len(left)} records")


def _rows(lines: Iterable[str], key: str | None) -> Iterator[dict[str, Any]]:
    for row in csv.DictReader(lines):
        cells = {name: _value(cell) for name, cell in row.items()}
        yield {
            "PartitionKey": row[key or next(iter(row))] or "-",
            "Data": json.dumps(cells, ensure_ascii=False).encode(),
        }


def _value(cell: str) -> str | int | float | None:
    """Return a number as a number, and a missing cell as null."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(cell)
    return cell or None


def _batches(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(records, _AT_ONCE)):
        yield batch


if __name__ == "__main__":
    main()
