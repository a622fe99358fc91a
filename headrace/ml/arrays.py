"""Names for the arrays that the library takes and returns."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]
Labels = NDArray[Any]
"""Class labels: text."""

FloatOrArray = TypeVar("FloatOrArray", float, Floats)
"""For what is computed of one number as of many."""
