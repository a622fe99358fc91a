"""Limits beyond which a number is an outlier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_numbers, trimmed


def learn_limits(
    cells: pa.ChunkedArray, *, quantiles: Sequence[float] | None = None, **_: Any
) -> dict[str, float]:
    """Return the limits that the first file sets, if they are wanted as quantiles.

    Examples
    --------
    >>> learn_limits(pa.chunked_array([[str(n) for n in range(101)]]), quantiles=[0.1, 0.9])
    {'min': 10.0, 'max': 90.0}
    """
    numbers = pc.drop_null(as_numbers(trimmed(cells)))
    if quantiles is None or not len(numbers):
        return {}
    low, high = pc.quantile(numbers, q=list(quantiles)).to_pylist()
    return {"min": low, "max": high}


def beyond(
    cells: pa.ChunkedArray, low: float | None, high: float | None
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return which cells are numbers below `low`, and which are above `high`; never null."""
    numbers = as_numbers(trimmed(cells))
    none = pc.and_(pc.is_valid(numbers), False)
    below = none if low is None else pc.fill_null(pc.less(numbers, low), False)
    above = none if high is None else pc.fill_null(pc.greater(numbers, high), False)
    return below, above
