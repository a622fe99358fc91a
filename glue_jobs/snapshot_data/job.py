"""Makes a snapshot on many machines: the same rows in the same parts, with the same hash, as the function makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glue_jobs.snapshot_data.work import (
    ROWS_OF_A_FILE,
    Ageing,
    Cuts,
    Piece,
    Replaced,
    Source,
    Written,
    gathered,
    id_shares,
    look_at,
    moments,
    move,
    newest_of,
    pieces,
    places_by_id,
    s3,
    strange_parts,
    strata,
    tally_of,
    write_range,
)
from headrace.aws.large_snapshots import SnapshotFolder, SnapshotOrder, SnapshotOutcome
from headrace.ml.arrays import Hashes
from headrace.ml.data_window import Window, ages_digest, newest
from headrace.ml.recency import last_moment
from headrace.ml.snapshot_rows import SnapshotError, refuse_missing, snapshot_hash
from headrace.ml.split import PARTS, content_hash_of, refusal_of_parts, time_cuts
from headrace.ml.stratified import carried_salt

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

_IDS_OF_A_BUCKET = 2**21
_MOSTLY = 0.9  # ranges of hashes hold more or fewer rows than on average; none more than a file may

Numbered = tuple[int, Replaced]
"""The number of a curated file, and the places of those of its rows that were replaced, or were known before."""


def snapshot_large_data(context: SparkContext, folder: str) -> None:
    """Do what the order in the folder says, and leave the outcome there."""
    place = SnapshotFolder.at(s3(), folder)
    try:
        outcome = _dealt(context, place, place.order())
    except SnapshotError as error:
        outcome = SnapshotOutcome(refused=str(error))
    place.write_outcome(outcome)


def _dealt(context: SparkContext, place: SnapshotFolder, order: SnapshotOrder) -> SnapshotOutcome:
    count = len(order.curated)
    numbers = context.parallelize(range(count), max(count, 1))
    sources = numbers.map(partial(look_at, order)).collect()
    rows = sum(source.about["rows"] for source in sources)
    if not rows:
        raise SnapshotError("the curated files have no rows")
    refuse_missing(_missing_everywhere(sources))
    files = _with_replaced(numbers, order, rows, count).persist()
    replaced = int(files.map(lambda file: len(file[1].get("replaced", ()))).sum())
    order = _settled(files, order)
    cuts = _cuts(files, order)
    ageing, learned_upto = _ageing(files, order, cuts)
    buckets = max(1, -(-(rows - replaced) // int(_MOSTLY * ROWS_OF_A_FILE)))
    written = (
        files.flatMap(partial(_pieces, order, buckets, cuts, ageing))
        .groupByKey(buckets)
        .map(partial(_write, place.uri, ageing.window))
        .persist()
    )
    names = sorted(column.name for column in order.contract.columns)
    content = content_hash_of(names, _hashes(written))
    ages = ages_digest(written.map(lambda each: each.ages).toLocalIterator()) if order.window else None
    found = written.map(lambda each: each.files).collect()
    parts = {part: _part(part, found) for part in PARTS}
    if empty := [part for part in ("train", "test") if not parts[part]["rows"]]:
        raise SnapshotError(f"{rows - replaced} rows leave the part {' and '.join(empty)} empty")
    content_hash = snapshot_hash(content, order.contract, order.rule, order.window, ages)
    moved = [f"{part}/{file['name']}" for part in PARTS for file in parts[part]["files"]]
    context.parallelize(moved, len(moved)).foreach(partial(move, place.uri, f"snapshots/{content_hash[:16]}"))
    return SnapshotOutcome(
        content_hash,
        parts,
        replaced,
        tuple(source.about for source in sources),
        learned_upto,
        ageing.window.as_dict() if ageing.window else None,
        salt=order.rule.salt,
    )


def _settled(files: RDD[Numbered], order: SnapshotOrder) -> SnapshotOrder:
    """Return the order with a stratified rule's salt; refuse rows whose part is none."""
    rule = order.rule
    if rule.by == "column" and rule.column is not None:
        found = files.flatMap(lambda file: strange_parts(order, *file)).collect()
        if found:
            raise SnapshotError(refusal_of_parts(rule.column, sorted(set(found))))
    if rule.by != "stratified":
        return order
    salt = carried_salt(order.earlier.rule if order.earlier else None, order.identity)
    if salt is None:
        salt = files.map(lambda file: strata(order, *file)).reduce(add).best(rule)
    return order.dealt_with(salt)


def _missing_everywhere(sources: list[Source]) -> frozenset[str]:
    return frozenset.intersection(*(source.missing for source in sources if source.about["rows"]))


def _with_replaced(numbers: RDD[int], order: SnapshotOrder, rows: int, count: int) -> RDD[Numbered]:
    """Return every curated file with the places of its rows that another row replaces, or whose id was known before."""
    if order.rule.id is None:
        return numbers.map(lambda number: (number, {}))
    buckets = max(1, -(-rows // _IDS_OF_A_BUCKET))
    found = (
        numbers.flatMap(partial(id_shares, order, buckets))
        .groupByKey(buckets)
        .flatMap(lambda bucket: places_by_id(order, bucket[1]))
        .groupByKey(count)
        .mapValues(gathered)
    )
    return (
        numbers.map(lambda number: (number, None))
        .leftOuterJoin(found, count)
        .mapValues(lambda each: each[1] or {})
    )


def _cuts(files: RDD[Numbered], order: SnapshotOrder) -> Cuts | None:
    """Return the moments between the parts, if rows are dealt by time."""
    if order.rule.by != "time":
        return None
    found = files.map(lambda file: moments(order, *file)).collect()
    times, where = np.unique(np.concatenate([each for each, _ in found]), return_inverse=True)
    if not len(times):
        return None, None
    counts = np.bincount(where, weights=np.concatenate([each for _, each in found])).astype(np.int64)
    return time_cuts(times, counts, order.rule)


def _ageing(
    files: RDD[Numbered], order: SnapshotOrder, cuts: Cuts | None
) -> tuple[Ageing, str | float | None]:
    """Return how the ages of rows are counted and what becomes of the window, and what was learned from last by time."""
    count = len(order.curated)
    if order.window is None and order.rule.by != "time":
        return Ageing(None, (0,) * count), None
    found = dict(files.map(lambda file: (file[0], newest_of(order, cuts, *file))).collect())
    training = [found[number].training for number in range(count)]
    later = tuple(sum(training[number + 1 :]) for number in range(count))
    learned = [each.learned_upto for each in found.values() if each.learned_upto is not None]
    upto = last_moment(pd.Series(learned)) if learned and order.rule.by == "time" else None
    if order.window is None:
        return Ageing(None, later), upto
    moments_ = [each.moment for each in found.values() if each.moment is not None]
    by_time = order.window.unit == "days" and moments_
    ageing = Ageing(newest(pd.Series(moments_)) if by_time else None, later)
    sums = files.map(lambda file: tally_of(order, cuts, ageing, *file)).reduce(add)
    return replace(ageing, window=Window.judged(order.window, sums)), upto


def _pieces(
    order: SnapshotOrder, buckets: int, cuts: Cuts | None, ageing: Ageing, file: Numbered
) -> Iterator[tuple[int, Piece]]:
    return pieces(order, buckets, cuts, ageing, *file)


def _write(folder: str, window: Window | None, bucket: tuple[int, Any]) -> Written:
    return write_range(folder, window, *bucket)


def _hashes(written: RDD[Written]) -> Iterator[Hashes]:
    """Yield the hashes of all rows in order: a range of them is a partition, and partitions come in order."""
    yield from written.map(lambda range_: range_.hashes).toLocalIterator()


def _part(part: str, found: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    files = [each[part] for each in found if each[part]["rows"]] or [each[part] for each in found[:1]]
    return {"rows": sum(file["rows"] for file in files), "files": files}
