"""Adds what a calendar says of a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_datetimes, trimmed
from headrace.ml.cleaning_steps.moments import on_clock
from headrace.ml.cleaning_steps.registry import column_step

_SATURDAY = 5
_PARTS = ("weekday", "month", "hour", "is_weekend")


def _names(column: str, *, parts: Sequence[str] = _PARTS, **_: Any) -> list[str]:
    return [f"{column}_{part}" for part in parts]


@column_step("calendar", adds=_names)
def calendar(
    cells: pa.ChunkedArray,
    *,
    parts: Sequence[str] = _PARTS,
    time_zone: str | None = None,
    holidays: Sequence[str] = (),
) -> list[pa.ChunkedArray]:
    """Return a column for each part, missing where the cell is no moment. Weeks are ISO 8601's.

    Examples
    --------
    >>> cells = pa.chunked_array([["2011-07-31T22:30:00Z", "soon"]])
    >>> [part.to_pylist() for part in calendar(cells, parts=["weekday", "is_weekend"])]
    [['6', None], ['true', None]]
    >>> [part.to_pylist() for part in calendar(cells, parts=["weekday", "hour"], time_zone="Europe/Berlin")]
    [['0', None], ['0', None]]
    """
    clock = on_clock(as_datetimes(trimmed(cells)), time_zone)
    known = pa.array(clock.notna())
    return [pc.if_else(known, _part(clock, part, holidays), pa.scalar(None, pa.string())) for part in parts]


def _part(clock: pd.Series[pd.Timestamp], part: str, holidays: Sequence[str]) -> pa.Array:
    if part == "is_weekend":
        return _booleans(clock.dt.day_of_week >= _SATURDAY)
    if part == "is_holiday":
        return _booleans(clock.dt.normalize().isin(pd.to_datetime(list(holidays))))
    if part == "week":
        return _whole(clock.dt.isocalendar().week)
    return _whole(getattr(clock.dt, "day_of_week" if part == "weekday" else part))


def _whole(found: pd.Series[Any]) -> pa.Array:
    return pc.cast(pa.array(found.astype("Int64")), pa.string())


def _booleans(values: pd.Series[bool]) -> pa.Array:
    return pc.if_else(pa.array(values), "true", "false")
