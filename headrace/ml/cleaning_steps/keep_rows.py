"""Keeps rows of which something is true."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from headrace.ml.cleaning_steps.comparison import compared
from headrace.ml.cleaning_steps.registry import row_filter


@row_filter("keep_rows")
def keep_rows(cells: pa.ChunkedArray, *, op: str, value: Any = None) -> pa.ChunkedArray:
    """Return which rows are kept. One whose cell cannot be compared is, and is judged later.

    Examples
    --------
    >>> keep_rows(pa.chunked_array([["open", "closed", None]]), op="==", value="open").to_pylist()
    [True, False, None]
    """
    return compared(cells, op, value)
