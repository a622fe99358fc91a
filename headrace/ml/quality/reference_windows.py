"""The reference cut into consecutive windows: how far apart the same world's windows are."""

from __future__ import annotations

import numpy as np

from headrace.ml.arrays import Flags

_ROWS_OF_WINDOW, _MOST_WINDOWS = 200, 20


def consecutive_windows(rows: int) -> list[Flags]:
    """Return flags of the rows of each window: two to twenty, of 200 rows or more where there are enough.

    Examples
    --------
    >>> [flags.tolist() for flags in consecutive_windows(3)]
    [[True, True, False], [False, False, True]]
    """
    windows = int(np.clip(rows // _ROWS_OF_WINDOW, 2, _MOST_WINDOWS))
    place = np.arange(rows) * windows // max(1, rows)
    return [place == window for window in range(windows)]
