"""Categories: how often each occurs, in bounded memory, and how many there are."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from headrace.ml.arrays import Ints
from headrace.ml.column_schema import Kind

MAX_LEVELS = 200

_BLOCK = 65_536
_HASHES = 256
_HASH_BYTES = 6  # what a JSON number holds exactly
_HASH_VALUES = 1 << 48
_TRUTH = {0: "false", 1: "true"}


def count_levels(cells: np.ndarray[Any, Any], kind: Kind) -> tuple[dict[str, int], int]:
    """Return how often each value occurs, as text, and how many cells have none.

    Examples
    --------
    >>> count_levels(np.array(["fall", None, "fall", float("nan")], dtype=object), "category")
    ({'fall': 2}, 2)
    """
    counts: dict[str, int] = {}
    missing = 0
    values: Counter[Any] = Counter()
    for start in range(0, len(cells), _BLOCK):
        values.update(cells[start : start + _BLOCK].tolist())
    for value, count in values.items():
        text = level_of(value, kind)
        if text is None:
            missing += count
        else:
            counts[text] = counts.get(text, 0) + count
    return counts, missing


def level_of(value: Any, kind: Kind) -> str | None:
    """Return a value as text; None for one that is missing."""
    if isinstance(value, str):
        return value
    if value is None or str(value) in ("nan", "NaT", "<NA>"):
        return None
    return _TRUTH.get(value, str(value)) if kind == "boolean" else str(value)


def most_frequent(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the 200 most frequent levels, of equally frequent ones those that come first in the alphabet."""
    ranked = heapq.nsmallest(MAX_LEVELS, ((-count, level) for level, count in counts.items()))
    return tuple(level for _, level in ranked)


def counts_of(levels: Sequence[str], counts: Mapping[str, int]) -> Ints:
    """Return the count of each level, then that of all others."""
    known = [counts.get(level, 0) for level in levels]
    return np.array([*known, sum(counts.values()) - sum(known)], dtype=np.int64)


def hashes_of(levels: Iterable[str]) -> tuple[int, ...]:
    """Return the 256 smallest hashes of levels that are all distinct."""
    return tuple(heapq.nsmallest(_HASHES, map(_hash, levels)))


def _hash(level: str) -> int:
    return int.from_bytes(blake2b(level.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest())


def smallest_hashes(hashes: Iterable[int]) -> tuple[int, ...]:
    """Return the 256 smallest of distinct hashes, ascending."""
    return tuple(heapq.nsmallest(_HASHES, set(hashes)))


def distinct_count(hashes: Sequence[int]) -> int:
    r"""Estimate how many distinct values there are by the smallest of their hashes.

    .. math:: \frac{k - 1}{h_{(k)}}

    with the k-th smallest hash as a share of the largest possible one [1]_; exact below 256, with a standard error of
    :math:`1 / \sqrt{k - 2}`, 6 %, above.

    References
    ----------
    .. [1] Bar-Yossef, Z. et al. (2002). Counting distinct elements in a data stream. RANDOM.

    Examples
    --------
    >>> distinct_count(hashes_of(["fall", "spring"])), distinct_count(hashes_of(map(str, range(100_000))))
    (2, 98977)
    """
    if len(hashes) < _HASHES:
        return len(hashes)
    return round((_HASHES - 1) * _HASH_VALUES / hashes[-1])
