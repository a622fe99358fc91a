"""Drops rows of which something is true."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.comparison import compared
from headrace.ml.cleaning_steps.registry import row_filter


@row_filter("drop_rows")
def drop_rows(cells: pa.ChunkedArray, *, op: str, value: Any = None) -> pa.ChunkedArray:
    """Return which rows are kept. One whose cell cannot be compared is, and is judged later.

    Examples
    --------
    >>> drop_rows(pa.chunked_array([["-1", "3", "warm"]]), op="<", value=0).to_pylist()
    [False, True, None]
    """
    return pc.invert(compared(cells, op, value))
