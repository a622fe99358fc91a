"""Reads dates as people write them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.moments import as_text, in_utc
from headrace.ml.cleaning_steps.registry import cleaning_step


@cleaning_step("parse_dates")
def parse_dates(
    cells: pa.ChunkedArray, *, formats: Sequence[str], time_zone: str | None = None
) -> pa.ChunkedArray:
    """Return moments in UTC as ISO 8601; what has none of the formats stays as it is, ISO 8601 for instance.

    Examples
    --------
    >>> cells = pa.chunked_array([["31.07.2011 10:00", "1.8.2011 0:30", "2011-08-01", "31.02.2011 10:00"]])
    >>> parse_dates(cells, formats=["%d.%m.%Y %H:%M"], time_zone="Europe/Berlin").to_pylist()
    ['2011-07-31 08:00:00.000000Z', '2011-07-31 22:30:00.000000Z', '2011-08-01', '31.02.2011 10:00']
    """
    text = pc.utf8_trim_whitespace(cells).to_pandas()
    found = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
    for form in formats:
        missing = found.isna()
        if missing.any():
            parsed = pd.to_datetime(text[missing], format=form, errors="coerce", exact=True)
            found[missing] = parsed.astype("datetime64[us]")
    made = as_text(in_utc(found, time_zone))
    return pc.coalesce(made, cells.combine_chunks())
