"""Schedules as EventBridge Scheduler takes them."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import AfterValidator

_RATE = re.compile(r"^rate\(([1-9][0-9]*) (minutes?|hours?|days?)\)$")
_CRON = re.compile(r"^cron\(([^()]+)\)$")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_MINUTES_A_YEAR = 365.25 * 1440
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_DAYS = "SUN MON TUE WED THU FRI SAT".split()
_DAY = "(?:[1-9]|[12][0-9]|3[01])"
_WEEKDAY = f"(?:[1-7]|{'|'.join(_DAYS)})"
_ALLOWED = "rate(1 hour), rate(30 minutes), rate(2 days) or a cron of six fields such as cron(0 6 * * ? *)"

# Name, first and last number, words for the numbers, and what the field knows beyond numbers, ranges and steps.
_FIELDS: tuple[tuple[str, int, int, list[str], str], ...] = (
    ("minutes", 0, 59, [], ""),
    ("hours", 0, 23, [], ""),
    ("day of month", 1, 31, [], rf"\?|L|LW|L-{_DAY}|{_DAY}W"),
    ("month", 1, 12, _MONTHS, ""),
    ("day of week", 1, 7, _DAYS, rf"\?|L|{_WEEKDAY}L|{_WEEKDAY}#[1-5]"),
    ("year", 1970, 2199, [], ""),
)


def schedule_minutes(expression: str) -> int | None:
    """Return the minutes between two runs of a ``rate(...)``, or None for a ``cron(...)``.

    Raises
    ------
    ValueError
        If EventBridge Scheduler would refuse `expression`; the text says which part and what is allowed.

    References
    ----------
    .. [1] EventBridge Scheduler user guide, "Schedule types on EventBridge Scheduler".

    Examples
    --------
    >>> schedule_minutes("rate(2 hours)")
    120
    >>> schedule_minutes("cron(0 25 * * ? *)")
    Traceback (most recent call last):
    ValueError: its hours '25' are not within 0-23
    """
    if rate := _RATE.match(expression):
        return int(rate[1]) * _MINUTES[rate[2].rstrip("s")]
    if cron := _CRON.match(expression):
        _check_cron(cron[1].split())
        return None
    raise ValueError(f"{expression!r} is no schedule; write {_ALLOWED}")


def _checked(expression: str) -> str:
    schedule_minutes(expression)
    return expression


Schedule = Annotated[str, AfterValidator(_checked)]


def runs_a_year(expression: str) -> float:
    """Return how many times a year a schedule runs, on average; a cron's year and its month's length are not looked at.

    Raises
    ------
    ValueError
        As `schedule_minutes`.

    Examples
    --------
    >>> runs_a_year("rate(1 day)"), runs_a_year("cron(0/30 8-17 ? * MON-FRI *)")
    (365.25, 5217.857142857143)
    """
    if minutes := schedule_minutes(expression):
        return _MINUTES_A_YEAR / minutes
    counts = [
        sum(_item_values(item, first, last, words) for item in text.split(","))
        for text, (_, first, last, words, _) in zip(expression[5:-1].split(), _FIELDS, strict=True)
    ]
    shares = [
        min(1.0, count / (last - first + 1))
        for count, (_, first, last, _, _) in zip(counts, _FIELDS[:5], strict=False)
    ]
    return _MINUTES_A_YEAR * math.prod(shares)


def _item_values(item: str, first: int, last: int, words: list[str]) -> int:
    """Return how many values an item of a field has; those of a month or week such as ``L``, ``15W`` and ``6#3`` have one."""
    text, _, step = item.partition("/")
    if text in ("*", "?"):
        low, high = first, last
    elif all(_is_value(end, (first, last), words) for end in text.split("-", 1)):
        ends = [_number(end, first, words) for end in text.split("-", 1)]
        low, high = ends[0], last if step and len(ends) == 1 else ends[-1]
    else:
        return 1
    length = high - low + 1 if high >= low else high - low + 1 + last - first + 1
    return -(-length // int(step or 1))


def _number(value: str, first: int, words: list[str]) -> int:
    return words.index(value.upper()) + first if value.upper() in words else int(value)


def _check_cron(fields: list[str]) -> None:
    if len(fields) != len(_FIELDS):
        raise ValueError(f"a cron has six fields (minutes hours day month weekday year), not {len(fields)}")
    for text, (name, first, last, words, special) in zip(fields, _FIELDS, strict=True):
        for item in text.split(","):
            if not (special and re.fullmatch(special, item, re.IGNORECASE | re.ASCII)) and not _is_item(
                item, (first, last), words
            ):
                raise ValueError(f"its {name} {text!r} are not within {first}-{last}")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError("of its day of month and day of week exactly one must be ?, as in cron(0 6 * * ? *)")


def _is_item(item: str, bounds: tuple[int, int], words: list[str]) -> bool:
    """Tell whether `item` is ``*``, a value or a range, with an optional step."""
    values, _, step = item.partition("/")
    if "/" in item and not re.fullmatch("0*[1-9][0-9]*", step):
        return False
    return values == "*" or all(_is_value(value, bounds, words) for value in values.split("-", 1))


def _is_value(value: str, bounds: tuple[int, int], words: list[str]) -> bool:
    number = value.isascii() and value.isdecimal()
    return value.upper() in words or (number and bounds[0] <= int(value) <= bounds[1])
