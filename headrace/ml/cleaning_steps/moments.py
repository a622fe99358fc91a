"""Moments between text, clocks and UTC. pandas knows the time zones; Arrow would ask the machine for them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def in_utc(local: pd.Series[pd.Timestamp], time_zone: str | None) -> pd.Series[pd.Timestamp]:
    """Return what UTC's clock says when that of `time_zone` says `local`.

    An hour that comes twice is taken for the first of both (summer time); one that is left out, for the moment at which the
    clock is put on.
    """
    if time_zone is None:
        return local
    summer = pd.Series(True, index=local.index).to_numpy()
    zoned = local.dt.tz_localize(time_zone, ambiguous=summer, nonexistent="shift_forward")
    utc: pd.Series[pd.Timestamp] = zoned.dt.tz_convert("UTC").dt.tz_localize(None)
    return utc


def on_clock(moments: pa.ChunkedArray, time_zone: str | None) -> pd.Series[pd.Timestamp]:
    """Return what the clock of `time_zone` says at moments in UTC."""
    utc: pd.Series[pd.Timestamp] = moments.to_pandas()
    return utc.dt.tz_localize("UTC").dt.tz_convert(time_zone).dt.tz_localize(None) if time_zone else utc


def as_text(moments: pd.Series[pd.Timestamp]) -> pa.ChunkedArray:
    """Return moments in UTC as text that says so.

    Examples
    --------
    >>> as_text(pd.Series([pd.Timestamp("2011-01-31 08:00"), pd.NaT])).to_pylist()
    ['2011-01-31 08:00:00.000000Z', None]
    """
    stamps = pa.chunked_array([pa.array(moments, pa.timestamp("us"), from_pandas=True)])
    return pc.binary_join_element_wise(pc.cast(stamps, pa.string()), "Z", "")
