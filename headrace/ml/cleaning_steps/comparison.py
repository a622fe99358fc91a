"""Compares cells with what a pipeline file says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_categories, as_datetimes, as_numbers, trimmed

_ORDERS: dict[str, Callable[..., pa.ChunkedArray]] = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def compared(cells: pa.ChunkedArray, op: str, value: Any) -> pa.ChunkedArray:
    """Return where a comparison is true; null where the cell cannot be compared.

    Parameters
    ----------
    cells : pyarrow.ChunkedArray
        Text.
    op : str
        ``==``, ``!=``, ``in`` and ``not in`` compare text, ``<``, ``<=``, ``>`` and ``>=`` numbers, or moments if `value`
        is one. ``missing`` and ``not missing`` take no value.
    value : str, float, bool, sequence or None
        With what.

    Examples
    --------
    >>> compared(pa.chunked_array([["5", "10", "warm", None]]), "<", 7).to_pylist()
    [True, False, None, None]
    >>> compared(pa.chunked_array([["5", "5.0", "red", None]]), "in", [5, "blue"]).to_pylist()
    [True, True, False, None]
    """
    text = trimmed(cells)
    if op.endswith("missing"):
        return pc.is_null(text) if op == "missing" else pc.is_valid(text)
    if op in _ORDERS:
        return _ordered(text, op, value)
    words = as_categories(pa.chunked_array([[_word(each) for each in _listed(value)]]))
    found = pc.is_in(as_categories(text), value_set=words.combine_chunks())
    found = found if op in ("==", "in") else pc.invert(found)
    return pc.if_else(pc.is_valid(text), found, pa.scalar(None, pa.bool_()))


def _ordered(text: pa.ChunkedArray, op: str, value: Any) -> pa.ChunkedArray:
    if isinstance(value, str):
        return _ORDERS[op](as_datetimes(text), as_datetimes(pa.chunked_array([[value]]))[0])
    return _ORDERS[op](as_numbers(text), float(value))


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
