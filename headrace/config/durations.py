"""Lengths of time, in words."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_DURATION = re.compile(r"^([1-9][0-9]{0,4}) (minute|hour|day|week)s?$")
_HOURS = {"minute": 1 / 60, "hour": 1.0, "day": 24.0, "week": 168.0}


def hours(duration: str) -> float:
    """Return how many hours a length of time such as ``2 days`` has.

    Parameters
    ----------
    duration : str
        A whole number and minutes, hours, days or weeks.

    Returns
    -------
    float
        Hours, more than 0.

    Raises
    ------
    ValueError
        If `duration` is written otherwise; the text shows how.

    Examples
    --------
    >>> hours("2 days"), hours("90 minutes")
    (48.0, 1.5)
    >>> hours("soon")
    Traceback (most recent call last):
    ValueError: 'soon' is no length of time; write 90 minutes, 6 hours, 2 days or 1 week
    """
    if found := _DURATION.match(duration):
        return int(found[1]) * _HOURS[found[2]]
    raise ValueError(f"{duration!r} is no length of time; write 90 minutes, 6 hours, 2 days or 1 week")


def _checked(duration: str) -> str:
    hours(duration)
    return duration


Duration = Annotated[str, AfterValidator(_checked)]
