"""Replaces misspelt categories by those that they are most like."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pyarrow as pa

from headrace.ml.cleaning_steps.distinct import for_each_distinct
from headrace.ml.cleaning_steps.registry import cleaning_step


@cleaning_step("repair_categories")
def repair_categories(
    cells: pa.ChunkedArray, *, allowed: Sequence[str], likeness: float = 0.8
) -> pa.ChunkedArray:
    """Return the cells in the spelling of `allowed`; what is like none of them stays as it is.

    Case and white space around a cell do not count. Likeness is twice the letters in common blocks over all letters [1]_.

    References
    ----------
    .. [1] Ratcliff, J. W. and Metzener, D. E. (1988). Pattern matching: the gestalt approach. Dr. Dobb's Journal.

    Examples
    --------
    >>> cells = pa.chunked_array([["BERLIN ", "Muenchen", "Münchn", "Bern", None]])
    >>> repair_categories(cells, allowed=["Berlin", "München"]).to_pylist()
    ['Berlin', 'München', 'München', 'Berlin', None]
    >>> repair_categories(cells, allowed=["Berlin", "München"], likeness=0.9).to_pylist()
    ['Berlin', 'Muenchen', 'München', 'Bern', None]
    """
    spellings = {name.strip().casefold(): name for name in allowed}

    def repaired(text: str) -> str:
        found = difflib.get_close_matches(text.strip().casefold(), spellings, n=1, cutoff=likeness)
        return spellings[found[0]] if found else text

    return for_each_distinct(cells, repaired)
