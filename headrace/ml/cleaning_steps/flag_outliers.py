"""Adds a column that says which numbers are far out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_numbers, trimmed
from headrace.ml.cleaning_steps.outliers import beyond, learn_limits
from headrace.ml.cleaning_steps.registry import column_step


def _names(column: str, **_: Any) -> list[str]:
    return [f"{column}_outlier"]


@column_step("flag_outliers", adds=_names, learn=learn_limits)
def flag_outliers(
    cells: pa.ChunkedArray,
    *,
    min: float | None = None,
    max: float | None = None,
    quantiles: Sequence[float] | None = None,
) -> list[pa.ChunkedArray]:
    """Return a column of true and false, missing where the cell is no number.

    Examples
    --------
    >>> flag_outliers(pa.chunked_array([["-3", "5", "warm"]]), min=0)[0].to_pylist()
    ['true', 'false', None]
    """
    below, above = beyond(cells, min, max)
    flags = pc.if_else(pc.or_(below, above), "true", "false")
    return [pc.if_else(pc.is_valid(as_numbers(trimmed(cells))), flags, pa.scalar(None, pa.string()))]
