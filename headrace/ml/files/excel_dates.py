"""Excel's dates: numbers that a format shows as a moment.

References
----------
.. [1] ECMA-376, Part 1, 18.17.4.1 "Date Conversion for Serial Values", 18.8.30 "numFmt" with the built-in formats.
"""

from __future__ import annotations

import datetime as dt
import re

_BUILT_IN = frozenset((*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)))
_NO_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_MILLISECONDS = 86_400_000
_EPOCH_1900, _EPOCH_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)
_PHANTOM_DAY = 60  # 29 February 1900, which was none


def is_date_format(number: int, code: str | None) -> bool:
    """Tell whether a number format shows moments. Elapsed time, ``[h]:mm``, is none.

    Examples
    --------
    >>> [is_date_format(14, None), is_date_format(164, "yyyy-mm-dd"), is_date_format(165, '0.0 "days"')]
    [True, True, False]
    """
    if code is None:
        return number in _BUILT_IN
    plain = _NO_CODE.sub("", code.split(";")[0])
    return not _ELAPSED.search(plain) and re.search("[ymdhs]", plain, re.IGNORECASE) is not None


def moment(serial: str, *, since_1904: bool) -> str:
    """Return a serial number as an ISO 8601 moment to the millisecond, or as it is if it is none.

    Examples
    --------
    >>> [moment(cell, since_1904=False) for cell in ("40544", "1.5", "59", "61", "0.25", "-1")]
    ['2011-01-01T00:00:00', '1900-01-01T12:00:00', '1900-02-28T00:00:00', '1900-03-01T00:00:00', '06:00:00', '-1']
    >>> moment("39082", since_1904=True)
    '2011-01-01T00:00:00'
    """
    try:
        days = float(serial)
        elapsed = dt.timedelta(milliseconds=round(days * _MILLISECONDS))
        epoch = _EPOCH_1904 if since_1904 else _EPOCH_1900
        if days < 0:
            return serial
        if days < 1:
            return (epoch + elapsed).time().isoformat()
        if not since_1904 and days < _PHANTOM_DAY:
            elapsed += dt.timedelta(days=1)
        return (epoch + elapsed).isoformat()
    except (ValueError, OverflowError):
        return serial
