"""Cells that a spreadsheet program would run as formulas when it opens a CSV file, made harmless and back again.

References
----------
.. [1] OWASP, "CSV Injection".
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_FORMULA = r"^'*\s*[=+\-@\t\r]"
_NUMBER = r"^\s*[+-]?[\d.,]+([eE][+-]?\d+)?%?\s*$"


def harmless(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells with an apostrophe before those that would be run; numbers stay as they are.

    Examples
    --------
    >>> harmless(pa.chunked_array([["=cmd|'/c calc'!A1", "-2.5", "x", None]])).to_pylist()
    ["'=cmd|'/c calc'!A1", '-2.5', 'x', None]
    """
    runs = _runs(cells)
    return pc.if_else(runs, pc.binary_join_element_wise("'", cells, ""), cells) if runs is not None else cells


def as_written(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells that `harmless` was given.

    Examples
    --------
    >>> as_written(pa.chunked_array([["'=1+1", "''=1+1", "'tis", "-2.5", None]])).to_pylist()
    ['=1+1', "'=1+1", "'tis", '-2.5', None]
    """
    runs = _runs(cells)
    if runs is None:
        return cells
    quoted = pc.and_(runs, pc.starts_with(cells, "'"))
    return pc.if_else(quoted, pc.utf8_slice_codeunits(cells, 1), cells)


def _runs(cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Tell which cells would be run, with or without apostrophes before them; None if none would."""
    runs = pc.match_substring_regex(cells, _FORMULA)
    if not pc.any(runs).as_py():
        return None
    return pc.and_not(runs, pc.match_substring_regex(cells, _NUMBER))
