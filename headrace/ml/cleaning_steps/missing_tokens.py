"""Makes further words mean that a cell is missing."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.registry import cleaning_step


@cleaning_step("missing_tokens")
def missing_tokens(cells: pa.ChunkedArray, *, tokens: Sequence[str]) -> pa.ChunkedArray:
    """Return the cells without those that are one of `tokens`, whatever their case.

    Examples
    --------
    >>> missing_tokens(pa.chunked_array([["-", " Unknown ", "5"]]), tokens=["unknown", "-"]).to_pylist()
    [None, None, '5']
    """
    words = pa.array([token.strip().lower() for token in tokens])
    found = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(cells)), value_set=words)
    return pc.if_else(found, pa.scalar(None, pa.string()), cells)
