"""Brings numbers that are far out to a limit, or makes them missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.outliers import beyond, learn_limits
from headrace.ml.cleaning_steps.registry import cleaning_step


@cleaning_step("clip_outliers", learn=learn_limits)
def clip_outliers(
    cells: pa.ChunkedArray,
    *,
    min: float | None = None,
    max: float | None = None,
    quantiles: Sequence[float] | None = None,
    action: Literal["clip", "missing"] = "clip",
) -> pa.ChunkedArray:
    """Return the cells with numbers beyond a limit replaced by it, or missing. `quantiles` were limits when it was learned.

    Examples
    --------
    >>> clip_outliers(pa.chunked_array([["-3", "5", "1e9", "warm"]]), min=0, max=10).to_pylist()
    ['0', '5', '10', 'warm']
    """
    below, above = beyond(cells, min, max)
    low, high = (
        pa.scalar(f"{limit:.17g}" if limit is not None and action == "clip" else None, pa.string())
        for limit in (min, max)
    )
    return pc.if_else(below, low, pc.if_else(above, high, cells))
