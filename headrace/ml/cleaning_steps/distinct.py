"""Applies what Arrow has no function for: once for each different text, however many cells have it."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc


def for_each_distinct(cells: pa.ChunkedArray, function: Callable[[str], str | None]) -> pa.ChunkedArray:
    """Return `function` of every cell; a missing cell stays missing.

    Examples
    --------
    >>> for_each_distinct(pa.chunked_array([["b", "a", None, "b"]]), {"a": "A", "b": None}.get).to_pylist()
    [None, 'A', None, None]
    """
    texts = pc.drop_null(pc.unique(cells))
    if not len(texts):
        return cells
    made = pa.array(map(function, texts.to_pylist()), pa.string())
    return pc.take(made, pc.index_in(cells, value_set=texts))
