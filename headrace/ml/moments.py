"""Reads one ISO 8601 moment as `headrace.ml.cells.as_datetimes` reads columns of them, without Arrow."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"[\t\n\f\r ]?(?:Z|([+-])([0-9]{2}):?([0-9]{2}))?)?)?"
)
_MICROSECONDS = 6  # digits


def read_moment(text: str) -> datetime:
    """Return a moment in UTC, to the microsecond; no offset means UTC.

    Parameters
    ----------
    text : str
        A date; a date and hours; or with minutes too, with or without seconds, fraction and offset.

    Raises
    ------
    ValueError
        If it is none, or lies before year 1 or after year 9999. The text never has a part of `text`.

    Examples
    --------
    >>> read_moment("2011-01-31T10:00:00.5+02:00").isoformat()
    '2011-01-31T08:00:00.500000'
    >>> read_moment("2011-02-30")
    Traceback (most recent call last):
    ValueError: no moment
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("no moment")
    *whole, fraction, sign, hours, minutes = found.groups("0")
    year, month, day, hour, minute, second = map(int, whole)
    microsecond = int(fraction[:_MICROSECONDS].ljust(_MICROSECONDS, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, microsecond)
        if sign == "0":
            return moment
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return moment + offset if sign == "-" else moment - offset
    except (ValueError, OverflowError):  # from Python 3.14 on, datetime's own words have the value in them
        raise ValueError("no moment") from None
