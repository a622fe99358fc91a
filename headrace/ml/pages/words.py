"""Figures as people read them."""

from __future__ import annotations

import math

_TINY, _SURE = 1e-16, 1e-3
_LARGEST_PLAIN, _SMALLEST_PLAIN, _THOUSAND = 1e6, 1e-3, 1000
_TENTH_OF_A_PERCENT, _TEN_PERCENT = 0.001, 0.1
_MOST_DIGITS = 17


def figure(number: float | None) -> str:
    """Return a number to three digits or so.

    Examples
    --------
    >>> figure(0.12345), figure(1234567.0), figure(-98765.4), figure(0.00001), figure(None)
    ('0.123', '1.23e6', '-98 765', '1e-5', 'none')
    """
    if number is None or not math.isfinite(number):
        return "none"
    size = abs(number)
    if size and not _SMALLEST_PLAIN <= size < _LARGEST_PLAIN:
        digits, _, power = f"{number:.2e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    if size >= _THOUSAND:
        return count(number)
    return f"{number:.3g}"


def figures(numbers: list[float]) -> list[str]:
    """Return different numbers in as many digits as it takes to tell them apart.

    Examples
    --------
    >>> figures([1e9, 1e9 + 5]), figures([0.0, 0.5])
    (['1000000000', '1000000005'], ['0', '0.5'])
    """
    found = [figure(number) for number in numbers]
    for digits in range(4, _MOST_DIGITS + 1):
        if len(set(found)) == len(numbers):
            break
        found = [f"{number:.{digits}g}" for number in numbers]
    return found


def count(rows: float) -> str:
    """Return a count with its thousands apart.

    Examples
    --------
    >>> count(1234567)
    '1 234 567'
    """
    return f"{rows:,.0f}".replace(",", " ")


def percent(share: float) -> str:
    """Return a share in percent.

    Examples
    --------
    >>> percent(0.1234), percent(0.5), percent(0.0004), percent(0.0)
    ('12 %', '50 %', '< 0.1 %', '0 %')
    """
    if 0 < share < _TENTH_OF_A_PERCENT:
        return "< 0.1 %"
    digits = 1 if 0 < share < _TEN_PERCENT else 0
    return f"{100 * share:.{digits}f} %"


def chance(p_value: float) -> str:
    """Return a p-value.

    Examples
    --------
    >>> chance(0.25), chance(0.0000012), chance(0.0)
    ('0.25', '1e-6', '< 1e-16')
    """
    if p_value < _TINY:
        return "< 1e-16"
    if p_value < _SURE:
        return figure(float(f"{p_value:.0e}"))
    return f"{p_value:.2g}"


def moment(iso: str | None) -> str:
    """Return a time to the minute.

    Examples
    --------
    >>> moment("2026-01-31T11:00:04Z")
    '2026-01-31 11:00'
    """
    return iso[:16].replace("T", " ") if iso else "unknown"


def listed(names: list[str], most: int = 3) -> str:
    """Return names in one line.

    Examples
    --------
    >>> listed(["temp", "hum", "wind", "cnt"]), listed(["temp", "hum"])
    ('temp, hum, wind and 1 more', 'temp and hum')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
