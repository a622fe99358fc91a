"""Finds the rows of all parts whose id comes again, by a shuffle of the ids' hashes in blocks of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from glue_jobs.clean_file.work import StagedPart, shares
from headrace.ml.arrays import Hashes, Ints
from headrace.ml.duplicates import comes_again

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

_IDS_OF_A_BUCKET = 2**21


def earlier_places(context: SparkContext, folder: str, parts: list[StagedPart]) -> RDD[tuple[int, Ints]]:
    """Return, by the number of the part, the places of the good rows whose id comes again; in order."""
    rows = sum(part.part.rows for part in parts)
    buckets = max(1, -(-rows // _IDS_OF_A_BUCKET))
    numbered = context.parallelize(list(enumerate(parts)), len(parts))
    found = (
        numbered.flatMap(partial(_shares, folder, buckets))
        .groupByKey(buckets)
        .flatMap(_again)
        .groupByKey(len(parts))
        .mapValues(_in_order)
    )
    return found.persist()


def _shares(
    folder: str, buckets: int, numbered: tuple[int, StagedPart]
) -> Iterator[tuple[int, tuple[int, Ints, Hashes]]]:
    return shares(folder, *numbered, buckets)


def _again(bucket: tuple[int, Iterable[tuple[int, Ints, Hashes]]]) -> Iterator[tuple[int, Ints]]:
    blocks = list(bucket[1])
    numbers = np.concatenate([np.full(len(places), number) for number, places, _ in blocks])
    places = np.concatenate([places for _, places, _ in blocks])
    rows = comes_again(np.concatenate([lanes for _, _, lanes in blocks]), numbers, places)
    for number in np.unique(numbers[rows]):
        yield int(number), places[rows[numbers[rows] == number]]


def _in_order(places: Iterable[Ints]) -> Ints:
    return np.sort(np.concatenate(list(places)))
