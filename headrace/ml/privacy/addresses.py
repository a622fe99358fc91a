"""What tells IP addresses from version numbers, which are written alike."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

_QUAD = re.compile(r"\d{1,5}(?:\.\d{1,5}){3}")
_LARGE = 100
_LEAST_LARGE = 0.25
_MOST_STRANGE = 0.01


def is_address(text: str) -> bool:
    """Tell whether a text is an address that a person's device can have: no mask, no loopback, no group of devices [1]_.

    References
    ----------
    .. [1] IANA, "IPv4 Special-Purpose Address Registry" and "IPv6 Special-Purpose Address Registry".

    Examples
    --------
    >>> [is_address(text) for text in ("84.17.46.2", "2a02:908::1", "255.255.255.0", "127.0.0.1", "1.2.3.400", "12:30:00")]
    [True, True, False, False, False, False]
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    special = address.is_loopback or address.is_multicast or address.is_unspecified
    return not special and not (address.version == 4 and address.is_reserved)  # noqa: PLR2004 - the protocol


def are_no_versions(cells: Sequence[str]) -> bool:
    """Tell whether a column that is mostly addresses is one of addresses, and not of versions such as 4.8.0.1.

    In a version the four numbers are small, or one is larger than 255 here and there. Of random addresses 98 of 100 have a number
    from 100 on; a column of nothing but ``10.0.0.1`` to ``10.0.0.99`` is taken for versions.

    Examples
    --------
    >>> are_no_versions(["84.17.46.2", "91.230.1.17", "10.0.0.3"])
    True
    >>> are_no_versions(["4.8.0.1", "10.0.0.3", "3.11.9.0"]), are_no_versions(["10.0.250.1", "10.0.19041.1"])
    (False, False)
    """
    quads = [[int(number) for number in cell.split(".")] for cell in cells if _QUAD.fullmatch(cell)]
    if not quads:
        return True
    largest = [max(numbers) for numbers in quads]
    strange = sum(number > 255 for number in largest)  # noqa: PLR2004 - a byte
    return strange <= _MOST_STRANGE * len(quads) and sum(
        number >= _LARGE for number in largest
    ) >= _LEAST_LARGE * len(quads)
