"""Finds the rows of all parts that come again, by a shuffle of the hashes of their keys in blocks of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from glue_jobs.clean_file.work import StagedPart, shares
from headrace.ml.arrays import Hashes, Ints
from headrace.ml.duplicates import comes_again, strongest

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

_IDS_OF_A_BUCKET = 2**21

Share = tuple[int, int]
"""The number of a key, and of a share of its values."""
Block = tuple[int, Ints, Hashes]
"""The number of a part, places of its rows, and the hashes of their keys."""


def repeated_rows(context: SparkContext, folder: str, parts: list[StagedPart]) -> RDD[tuple[int, Ints]]:
    """Return, by the number of the part, the good rows that come again, as `headrace.ml.clean_part.finish_part` takes them."""
    rows = sum(part.part.rows for part in parts)
    buckets = max(1, -(-rows // _IDS_OF_A_BUCKET))
    numbered = context.parallelize(list(enumerate(parts)), len(parts))
    found = (
        numbered.flatMap(partial(_shares, folder, buckets))
        .groupByKey(buckets)
        .flatMap(_again)
        .groupByKey(len(parts))
        .mapValues(_united)
    )
    return found.persist()


def _shares(folder: str, buckets: int, numbered: tuple[int, StagedPart]) -> Iterator[tuple[Share, Block]]:
    return shares(folder, *numbered, buckets)


def _again(share: tuple[Share, Iterable[Block]]) -> Iterator[tuple[int, Ints]]:
    (key, _), blocks = share[0], list(share[1])
    numbers = np.concatenate([np.full(len(places), number) for number, places, _ in blocks])
    places = np.concatenate([places for _, places, _ in blocks])
    rows = comes_again(np.concatenate([lanes for _, _, lanes in blocks]), numbers, places)
    for number in np.unique(numbers[rows]):
        here = places[rows[numbers[rows] == number]]
        yield int(number), np.stack([here, np.full(len(here), key)], axis=1)


def _united(found: Iterable[Ints]) -> Ints:
    return strongest(np.concatenate(list(found)))
