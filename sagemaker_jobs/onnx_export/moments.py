"""Calendar arithmetic on microseconds since 1970 in UTC.

References
----------
.. [1] Hinnant, H. (2021). chrono-compatible low-level date algorithms, ``civil_from_days``: howardhinnant.github.io.
"""

from __future__ import annotations

from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import Graph

_HOUR_US, _DAY_US = 3_600_000_000.0, 86_400_000_000.0
_DAYS_BEFORE_1970 = 719_468.0  # from 1 March of year 0
_DAYS_PER_ERA, _YEARS_PER_ERA = 146_097.0, 400.0


def moment_parts(graph: Graph, moments: str) -> dict[str, str]:
    """Return hour, weekday, day, yearday, month, year and days since 1970 of a tensor of moments; NaN where there is none.

    Everything is a whole number below 2^53 until the hour is divided, so nothing is rounded for moments from 1690 to 2250.
    """
    a = Arithmetic(graph)
    days, within = _days(a, moments)
    shifted = a.plus(days, _DAYS_BEFORE_1970)
    era = a.whole(shifted, _DAYS_PER_ERA)
    day_of_era = a.minus(shifted, a.times(era, _DAYS_PER_ERA))
    year_of_era = _year_of_era(a, day_of_era)
    leaps = a.minus(a.whole(year_of_era, 4), a.whole(year_of_era, 100))
    day_of_year = a.minus(day_of_era, a.plus(a.times(year_of_era, 365), leaps))  # from 1 March
    fifths = a.plus(a.times(day_of_year, 5), 2)
    march_month = a.whole(fifths, 153)  # 0 is March
    before = a.whole(a.plus(a.times(march_month, 153), 2), 5)
    in_old_year = a.is_less(march_month, 10)
    month = a.plus(march_month, a.minus(a.times(in_old_year, 12), 9))
    year = a.plus(a.plus(year_of_era, a.times(era, _YEARS_PER_ERA)), a.minus(a.number(1), in_old_year))
    monday_first = a.plus(days, 3)  # 1 January 1970 was a Thursday
    return {
        "hour": a.over(within, _HOUR_US),
        "weekday": a.minus(monday_first, a.times(a.whole(monday_first, 7), 7)),
        "day": a.plus(a.minus(day_of_year, before), 1),
        "month": month,
        "year": year,
        "days": days,
        "yearday": _yearday(a, year, day_of_year, in_old_year),
    }


def _days(a: Arithmetic, moments: str) -> tuple[str, str]:
    """Return days since 1970 and microseconds of the day; a quotient just below a whole number is rounded up to it."""
    days = a.whole(moments, _DAY_US)
    within = a.minus(moments, a.times(days, _DAY_US))
    too_far = a.is_less(within, 0)
    return a.minus(days, too_far), a.plus(within, a.times(too_far, _DAY_US))


def _year_of_era(a: Arithmetic, day_of_era: str) -> str:
    """Return floor((d - d / 1460 + d / 36524 - d / 146096) / 365), each quotient rounded down."""
    corrected = a.plus(a.minus(day_of_era, a.whole(day_of_era, 1460)), a.whole(day_of_era, 36_524))
    return a.whole(a.minus(corrected, a.whole(day_of_era, 146_096)), 365)


def _yearday(a: Arithmetic, year: str, day_of_year: str, in_old_year: str) -> str:
    """Return the day from 1 January, from 1: 1 March is 60, or 61 in a leap year."""
    leap = a.plus(a.minus(_divides(a, year, 4), _divides(a, year, 100)), _divides(a, year, 400))
    in_march_year = a.plus(a.plus(day_of_year, 60), leap)
    of_january = a.minus(day_of_year, 305)
    difference = a.minus(in_march_year, of_january)
    return a.plus(of_january, a.times(difference, in_old_year))


def _divides(a: Arithmetic, year: str, divisor: float) -> str:
    rest = a.minus(year, a.times(a.whole(year, divisor), divisor))
    return a.as_number(a.graph.node("Equal", rest, a.number(0)))
