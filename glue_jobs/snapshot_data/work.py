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
from headrace.ml.data_window import Tally, Window, ages_of, in_window, part_rows
from headrace.ml.duplicates import comes_again, hashes
from headrace.ml.privacy.redaction import redact_errors
from headrace.ml.recency import RECENCY, Marks, mark
from headrace.ml.snapshot_rows import named_rows
from headrace.ml.split import PARTS, assign_parts, row_hashes, unknown_parts
from headrace.ml.stratified import Strata

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROWS_OF_A_FILE = 250_000
Cuts = tuple[Any, Any]
"""The last moments of training and of validation."""
Replaced = dict[str, Ints]
"""Places of rows in one curated file: ``replaced`` by others, or ``known`` by their id from an earlier file."""


@dataclass(frozen=True)
class Piece:
    """Rows of one curated file: its number, and of each row hash, part, age and mark, and all of it in Arrow's format."""

    number: int
    keys: Hashes
    dealt: Labels
    ages: Ints
    marks: Marks
    rows: bytes


@dataclass(frozen=True)
class Source:
    """What is known of a curated file once it was read."""

    about: dict[str, Any]
    missing: frozenset[str]


@dataclass(frozen=True)
class Written:
    """What one range of hashes became: the sorted hashes with the ages, and by part the files that were written."""

    hashes: Hashes
    ages: Ints
    files: dict[str, dict[str, Any]]


@cache
def s3() -> S3Client:
    """Return this process's client."""
    return boto3.client("s3")


@redact_errors
def look_at(order: SnapshotOrder, number: int) -> Source:
    """Read a curated file, and note exactly which bytes were read."""
    file = read_curated(s3(), order.curated[number])
    return Source(file.as_dict(), named_rows(file.table, order.contract)[1])


@redact_errors
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


@redact_errors
def places_by_id(
    order: SnapshotOrder, blocks: Iterable[tuple[int, Ints, Hashes]]
) -> Iterator[tuple[int, tuple[str, Ints]]]:
    """Yield, by file, the places of rows that another row with their id replaces, and of those known by their id."""
    found = list(blocks)
    numbers = np.concatenate([np.full(len(places), number) for number, places, _ in found])
    places = np.concatenate([each for _, each, _ in found])
    direction = 1 if order.same_id == "newest" else -1
    lanes = np.concatenate([each for _, _, each in found])
    again = comes_again(lanes, direction * numbers, direction * places)
    yield from _by_file("replaced", numbers, places, again)
    had = np.array(order.had)[numbers]
    ids = lanes.view([("", lanes.dtype)] * lanes.shape[1])[:, 0]
    yield from _by_file("known", numbers, places, np.flatnonzero(~had & np.isin(ids, ids[had])))


def _by_file(what: str, numbers: Ints, places: Ints, chosen: Ints) -> Iterator[tuple[int, tuple[str, Ints]]]:
    for number in np.unique(numbers[chosen]):
        yield int(number), (what, places[chosen[numbers[chosen] == number]])


@redact_errors
def gathered(found: Iterable[tuple[str, Ints]]) -> Replaced:
    """Return the places of one file by what they are, in order."""
    by_name: dict[str, list[Ints]] = {}
    for what, places in found:
        by_name.setdefault(what, []).append(places)
    return {what: np.sort(np.concatenate(places)) for what, places in by_name.items()}


@redact_errors
def moments(order: SnapshotOrder, number: int, about: Replaced) -> tuple[Any, Ints]:
    """Return the different times of a file's rows, and how many rows each has."""
    cells = _kept(order, number, about)[order.rule.time].dropna().to_numpy()
    found, counts = np.unique(cells, return_counts=True)
    return found, counts


@redact_errors
def strata(order: SnapshotOrder, number: int, about: Replaced) -> Strata:
    """Count a file's rows by label and part, in all ways to deal them."""
    return Strata.of(_kept(order, number, about), order.rule)


@redact_errors
def strange_parts(order: SnapshotOrder, number: int, about: Replaced) -> list[str]:
    """Return what a file says of parts that is none."""
    assert order.rule.column is not None
    return unknown_parts(_kept(order, number, about), order.rule.column)


@dataclass(frozen=True)
class Newest:
    """Of one file: its training rows, the newest of their moments, and the last moment of training and validation."""

    training: int
    moment: Any
    learned_upto: Any


@redact_errors
def newest_of(order: SnapshotOrder, cuts: Cuts | None, number: int, about: Replaced) -> Newest:
    """Look for what ages count from."""
    frame = _kept(order, number, about)
    dealt = _dealt(frame, order, cuts)
    training = dealt == "train"
    if order.rule.time is None:
        return Newest(int(training.sum()), None, None)
    times = frame[order.rule.time]
    return Newest(int(training.sum()), _max(times[training]), _max(times[dealt != "test"]))


def _max(times: pd.Series) -> Any:
    moment = times.max()
    return None if pd.isna(moment) else moment


@dataclass(frozen=True)
class Ageing:
    """How ages are counted: from which moment, and how many training rows came after each file."""

    now: Any
    later: tuple[int, ...]
    window: Window | None = None


@redact_errors
def tally_of(order: SnapshotOrder, cuts: Cuts | None, ageing: Ageing, number: int, about: Replaced) -> Tally:
    """Sum over the training rows of a file what a window is judged by."""
    assert order.window is not None
    frame = _kept(order, number, about)
    dealt = _dealt(frame, order, cuts)
    return Tally.of(_ages(frame, dealt, order, ageing, number)[dealt == "train"], order.window)


@redact_errors
def pieces(
    order: SnapshotOrder, buckets: int, cuts: Cuts | None, ageing: Ageing, number: int, about: Replaced
) -> Iterator[tuple[int, Piece]]:
    """Yield a file's rows by ranges of their hashes."""
    frame = _kept(order, number, about)
    keys = row_hashes(frame, sorted(map(str, frame.columns)))
    dealt = _dealt(frame, order, cuts)
    known = np.isin(frame.index.to_numpy(), about.get("known", [])) | order.had[number]
    times = frame.get(order.rule.time)
    marks = mark(known, times, order.earlier, order.identity)
    ages = _ages(frame, dealt, order, ageing, number)
    dealt = in_window(dealt, ages, ageing.window)
    rows = _rows(order, number).take(pa.array(frame.index.to_numpy()))
    belongs = ((keys >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64)
    for bucket in np.unique(belongs):
        here = np.flatnonzero(belongs == bucket)
        packed = _packed(rows.take(pa.array(here)))
        yield int(bucket), Piece(number, keys[here], dealt[here], ages[here], marks[here], packed)


@redact_errors
def write_range(folder: str, window: Window | None, bucket: int, found: Iterable[Piece]) -> Written:
    """Write the rows of one range of hashes, sorted by them, a file for each part, and the marks of the test part."""
    blocks = sorted(found, key=lambda piece: piece.number)
    keys = np.concatenate([piece.keys for piece in blocks])
    order = np.argsort(keys, kind="stable")
    rows = pa.concat_tables([_unpacked(piece.rows) for piece in blocks]).take(pa.array(order))
    dealt, ages, marks = (
        np.concatenate([getattr(piece, name) for piece in blocks])[order]
        for name in ("dealt", "ages", "marks")
    )
    place = SnapshotFolder.at(s3(), folder)
    store, files = SnapshotStore(s3(), place.bucket), {}
    name = f"part-{bucket:05d}.parquet"
    for part in PARTS:
        chosen = part_rows(rows, dealt, ages, window, part)
        checksum = store.write_table(f"{place.prefix}{part}/{name}", chosen)
        files[part] = {"name": name, "rows": chosen.num_rows, "sha256": checksum}
    store.write_table(f"{place.prefix}{RECENCY}/{name}", pa.table({RECENCY: marks[dealt == "test"]}))
    return Written(keys[order], ages, files)


@redact_errors
def move(folder: str, prefix: str, name: str) -> None:
    """Copy a file that was written to where the snapshot lies."""
    place = SnapshotFolder.at(s3(), folder)
    source: Any = {"Bucket": place.bucket, "Key": f"{place.prefix}{name}"}
    s3().copy_object(Bucket=place.bucket, Key=f"{prefix}/{name}", CopySource=source)


def _rows(order: SnapshotOrder, number: int) -> pa.Table:
    return named_rows(read_curated(s3(), order.curated[number]).table, order.contract)[0]


def _kept(order: SnapshotOrder, number: int, about: Replaced) -> pd.DataFrame:
    """Return a file's rows less those that are replaced, each under its place in the file."""
    frame = _rows(order, number).to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    kept: pd.DataFrame = frame.drop(index=about["replaced"]) if "replaced" in about else frame
    return kept


def _dealt(frame: pd.DataFrame, order: SnapshotOrder, cuts: Cuts | None) -> Labels:
    return assign_parts(frame, order.rule) if cuts is None else _dealt_by_time(frame[order.rule.time], cuts)


def _ages(frame: pd.DataFrame, dealt: Labels, order: SnapshotOrder, ageing: Ageing, number: int) -> Ints:
    times = frame.get(order.rule.time)
    return ages_of(times, dealt, order.window, ageing.now, ageing.later[number])


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
