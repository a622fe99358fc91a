"""Reads the numbers that spreadsheet programs make of dates."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_numbers, trimmed
from headrace.ml.cleaning_steps.moments import as_text
from headrace.ml.cleaning_steps.registry import cleaning_step

_ORIGINS = {1900: "1899-12-30", 1904: "1904-01-01"}
_FIRST, _LAST = 61, 2_958_466  # 1 March 1900, before which Excel counts a day that never was; 1 January 10000
_SECONDS_PER_DAY = 86_400


@cleaning_step("excel_dates")
def excel_dates(cells: pa.ChunkedArray, *, epoch: Literal[1900, 1904] = 1900) -> pa.ChunkedArray:
    """Return the moments of serial dates as ISO 8601, to the second; what is no such number stays as it is.

    References
    ----------
    .. [1] Microsoft, "Excel incorrectly assumes that the year 1900 is a leap year".

    Examples
    --------
    >>> excel_dates(pa.chunked_array([["40574", "40574.5", "2011-01-31", "7"]])).to_pylist()
    ['2011-01-31 00:00:00.000000Z', '2011-01-31 12:00:00.000000Z', '2011-01-31', '7']
    """
    days = as_numbers(trimmed(cells)).to_numpy(zero_copy_only=False)
    days = np.where((days >= _FIRST) & (days < _LAST), days, np.nan)
    seconds = pd.to_timedelta(np.round(days * _SECONDS_PER_DAY), unit="s").astype("timedelta64[us]")
    moments = pd.Series(np.datetime64(_ORIGINS[epoch], "us") + seconds.to_numpy())
    return pc.coalesce(as_text(moments), cells.combine_chunks())
