"""Works out what the cells of a column are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import are_images, as_booleans, as_datetimes, as_numbers, is_free_text, trimmed
from headrace.ml.column_schema import Kind

_MOSTLY = 0.95
"""A column is of a kind if at least this share of its present cells is; the others are faults."""
_FIRST_OF_MOST_FAULTS = 1.5


def infer_kind(cells: pa.ChunkedArray) -> Kind:
    """Return the kind that at least 95 % of the present cells have, or image, or text if they are sentences, or category.

    Examples
    --------
    >>> infer_kind(pa.chunked_array([["1", "2.5", "NA"]]))
    'number'
    """
    text = pc.drop_null(trimmed(cells))
    if len(text) == 0:
        return "category"
    found = next((kind for kind, typed in _KINDS if _are_mostly(typed, text)), None)
    if found:
        return found
    return "image" if are_images(text) else "text" if is_free_text(text) else "category"


_KINDS: tuple[tuple[Kind, Callable[[pa.ChunkedArray], pa.ChunkedArray]], ...] = (
    ("number", as_numbers),
    ("boolean", partial(as_booleans, words_only=True)),
    ("datetime", as_datetimes),
)


def _are_mostly(typed: Callable[[pa.ChunkedArray], pa.ChunkedArray], text: pa.ChunkedArray) -> bool:
    """Tell whether enough cells can be typed; often the first of them have too many faults for all already."""
    most_faults = len(text) - _MOSTLY * len(text)
    first = text.slice(0, int(_FIRST_OF_MOST_FAULTS * most_faults) + 1)
    return all(typed(cells).null_count <= most_faults for cells in (first, text))
