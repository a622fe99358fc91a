"""Writes what a moment says: its hour, weekday, month and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats
from sagemaker_jobs.encoder import datetime_parts
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features, Step

_FIRST_YEAR = 1970
PERIODS = {"hour": (0, 24), "weekday": (0, 7), "day": (1, 31), "yearday": (1, 365.25), "month": (1, 12)}
"""Where a part begins to count, and after how much it begins again."""

DECIMALS = 12
"""Of sine and cosine. Libraries and processors differ in the last digits, and a tree's threshold may lie between those."""


@feature_step("date_parts")
class DateParts(Step):
    """Writes parts of a moment in UTC as numbers.

    Parameters
    ----------
    parts : sequence of {"hour", "weekday", "day", "yearday", "month", "year", "days"}
        Hours with their minutes as a fraction; Monday is weekday 0; days and months from 1. `days` are whole days since 1970,
        by which a linear model follows a trend.
    cyclic : bool
        Whether a part becomes sine and cosine of its angle, so that its end is near its beginning. Years and days since 1970 have none.
    """

    takes = ("datetime",)

    def __init__(self, parts: Sequence[str] = ("hour", "weekday", "month"), cyclic: bool = False) -> None:
        self.parts = parts
        self.cyclic = cyclic

    def transform(self, features: Features) -> Features:
        """Return a block of numbers for each moment; NaN where there is none."""
        return {
            name: Feature(READY, np.column_stack(self._columns(values)))
            for name, (_, values) in features.items()
        }

    def _columns(self, moments: np.ndarray[Any, Any]) -> list[Floats]:
        parts = _all_parts(moments)
        columns = []
        for part in self.parts:
            if self.cyclic and part in PERIODS:
                first, period = PERIODS[part]
                angle = 2 * np.pi * (parts[part] - first) / period
                columns += [np.sin(angle).round(DECIMALS), np.cos(angle).round(DECIMALS)]
            else:
                columns.append(parts[part])
        return columns


def _all_parts(moments: np.ndarray[Any, Any]) -> dict[str, Floats]:
    hour, weekday, month = datetime_parts(moments)
    missing = np.isnat(moments)
    days = moments.astype("datetime64[D]")
    day = (days - moments.astype("datetime64[M]")).astype(np.int64) + 1
    yearday = (days - moments.astype("datetime64[Y]")).astype(np.int64) + 1
    year = moments.astype("datetime64[Y]").astype(np.int64) + _FIRST_YEAR
    further = {
        name: np.where(missing, np.nan, part.astype(np.float64))
        for name, part in (
            ("day", day),
            ("yearday", yearday),
            ("year", year),
            ("days", days.astype(np.int64)),
        )
    }
    return {"hour": hour, "weekday": weekday, "month": month, **further}
