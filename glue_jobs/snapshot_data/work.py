"""What one executor does with its share of the curated files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pandas as pd
import pyarrow as pa

from headrace.aws.curated import SnapshotStore, read_curated
from headrace.aws.large_snapshots import SnapshotFolder, SnapshotOrder
from headrace.ml.arrays import Hashes, Ints, Labels
from headrace.ml.duplicates import comes_again, hashes
from headrace.ml.snapshot_rows import named_rows
from headrace.ml.split import PARTS, assign_parts, row_hashes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROWS_OF_A_FILE = 250_000
Cuts = tuple[Any, Any]
"""The last moments of training and of validation."""
Piece = tuple[int, Hashes, Labels, bytes]
"""Rows of one curated file: its number, their hashes, their parts, and themselves in Arrow's format."""


@dataclass(frozen=True)
class Source:
    """What is known of a curated file once it was read."""

    about: dict[str, Any]
    missing: frozenset[str]


@dataclass(frozen=True)
class Written:
    """What one range of hashes became: the sorted hashes, and by part the files that were written."""

    hashes: Hashes
    files: dict[str, dict[str, Any]]


@cache
def s3() -> S3Client:
    """Return this process's client."""
    return boto3.client("s3")


def look_at(order: SnapshotOrder, number: int) -> Source:
    """Read a curated file, and note exactly which bytes were read."""
    file = read_curated(s3(), order.curated[number])
    return Source(file.as_dict(), named_rows(file.table, order.contract)[1])


def id_shares(
    order: SnapshotOrder, buckets: int, number: int
) -> Iterator[tuple[int, tuple[int, Ints, Hashes]]]:
    """Yield the hashes of a file's ids in shares: an id is always in the same one."""
    assert order.rule.id is not None
    rows = _rows(order, number).column(order.rule.id)
    lanes = np.concatenate([hashes(chunk) for chunk in rows.chunks if len(chunk)])
    belongs = (lanes[:, 0] % np.uint64(buckets)).astype(np.int64)
    for bucket in np.unique(belongs):
        places = np.flatnonzero(belongs == bucket)
        yield int(bucket), (number, places, lanes[places])


def replaced_rows(
    order: SnapshotOrder, blocks: Iterable[tuple[int, Ints, Hashes]]
) -> Iterator[tuple[int, Ints]]:
    """Yield, by the number of the file, the places of rows that another row with the same id replaces."""
    found = list(blocks)
    numbers = np.concatenate([np.full(len(places), number) for number, places, _ in found])
    places = np.concatenate([each for _, each, _ in found])
    direction = 1 if order.same_id == "newest" else -1
    lanes = np.concatenate([each for _, _, each in found])
    again = comes_again(lanes, direction * numbers, direction * places)
    for number in np.unique(numbers[again]):
        yield int(number), places[again[numbers[again] == number]]


def moments(order: SnapshotOrder, number: int, replaced: Ints | None) -> tuple[Any, Ints]:
    """Return the different times of a file's rows, and how many rows each has."""
    cells = _kept(order, number, replaced)[order.rule.time].dropna().to_numpy()
    found, counts = np.unique(cells, return_counts=True)
    return found, counts


def pieces(
    order: SnapshotOrder, buckets: int, cuts: Cuts | None, number: int, replaced: Ints | None
) -> Iterator[tuple[int, Piece]]:
    """Yield a file's rows by ranges of their hashes."""
    frame = _kept(order, number, replaced)
    found = row_hashes(frame, sorted(map(str, frame.columns)))
    dealt = assign_parts(frame, order.rule) if cuts is None else _dealt_by_time(frame[order.rule.time], cuts)
    rows = _rows(order, number).take(pa.array(frame.index.to_numpy()))
    belongs = ((found >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64)
    for bucket in np.unique(belongs):
        here = np.flatnonzero(belongs == bucket)
        yield int(bucket), (number, found[here], dealt[here], _packed(rows.take(pa.array(here))))


def write_range(folder: str, bucket: int, found: Iterable[Piece]) -> Written:
    """Write the rows of one range of hashes, sorted by them, a file for each part."""
    blocks = sorted(found, key=lambda piece: piece[0])
    rows = pa.concat_tables([_unpacked(packed) for *_, packed in blocks])
    keys = np.concatenate([each for _, each, _, _ in blocks])
    dealt = np.concatenate([each for _, _, each, _ in blocks])
    order = np.argsort(keys, kind="stable")
    rows, keys, dealt = rows.take(pa.array(order)), keys[order], dealt[order]
    place = SnapshotFolder.at(s3(), folder)
    store, files = SnapshotStore(s3(), place.bucket), {}
    for part in PARTS:
        chosen = rows.filter(pa.array(dealt == part))
        name = f"part-{bucket:05d}.parquet"
        checksum = store.write_table(f"{place.prefix}{part}/{name}", chosen)
        files[part] = {"name": name, "rows": chosen.num_rows, "sha256": checksum}
    return Written(keys, files)


def move(folder: str, prefix: str, name: str) -> None:
    """Copy a file that was written to where the snapshot lies."""
    place = SnapshotFolder.at(s3(), folder)
    source: Any = {"Bucket": place.bucket, "Key": f"{place.prefix}{name}"}
    s3().copy_object(Bucket=place.bucket, Key=f"{prefix}/{name}", CopySource=source)


def _rows(order: SnapshotOrder, number: int) -> pa.Table:
    return named_rows(read_curated(s3(), order.curated[number]).table, order.contract)[0]


def _kept(order: SnapshotOrder, number: int, replaced: Ints | None) -> pd.DataFrame:
    """Return a file's rows less those that are replaced, each under its place in the file."""
    frame = _rows(order, number).to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    kept: pd.DataFrame = frame if replaced is None else frame.drop(index=replaced)
    return kept


def _dealt_by_time(times: pd.Series, cuts: Cuts) -> Labels:
    """Deal rows as `headrace.ml.split.assign_parts` does; rows without a time go to training."""
    later = [times.notna().to_numpy() if cut is None else (times > cut).to_numpy(bool) for cut in cuts]
    return np.select([~later[0], ~later[1]], PARTS[:2], PARTS[2])


def _packed(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, rows.schema) as stream:
        stream.write_table(rows)
    return buffer.getvalue()


def _unpacked(packed: bytes) -> pa.Table:
    with pa.ipc.open_stream(packed) as stream:
        return stream.read_all()
