"""Cells that a spreadsheet program would run as formulas when it opens a CSV file, made harmless and back again.

References
----------
.. [1] OWASP, "CSV Injection".
"""

from __future__ import annotations

import re

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
    runs = pc.match_substring_regex(cells, _FORMULA)
    if not pc.any(runs).as_py():
        return cells
    runs = pc.and_not(runs, pc.match_substring_regex(cells, _NUMBER))
    return pc.if_else(runs, pc.binary_join_element_wise("'", cells, ""), cells)


def as_written(cell: str) -> str:
    """Return what a cell was before `harmless`.

    Examples
    --------
    >>> [as_written(cell) for cell in ("'=1+1", "''=1+1", "'tis", "-2.5")]
    ['=1+1', "'=1+1", "'tis", '-2.5']
    """
    plain = cell.removeprefix("'")
    return plain if plain != cell and _runs(plain) else cell


def _runs(cell: str) -> bool:
    return bool(re.match(_FORMULA, cell)) and not re.match(_NUMBER, cell)
