"""The keyed hash that stands in the place of a personal value."""

from __future__ import annotations

import hashlib
import hmac
import re

PREFIX = "hmac-"
HASHED = re.compile(r"hmac-[0-9a-f]{64}")
"""How a hashed cell looks; such a cell is not hashed again, so that refused rows can be taken in once more."""


def hashed_value(value: str, key: bytes) -> str:
    """Return what is stored in the place of `value`: its HMAC-SHA-256 [1]_, or itself if it is one already.

    References
    ----------
    .. [1] RFC 2104, "HMAC: Keyed-Hashing for Message Authentication"; FIPS 180-4, "Secure Hash Standard".

    Examples
    --------
    >>> once = hashed_value("ann@example.org", b"key")
    >>> once[:13], hashed_value(once, b"key") == once
    ('hmac-5a4f36ff', True)
    """
    if HASHED.fullmatch(value):
        return value
    return PREFIX + hmac.digest(key, value.encode(), hashlib.sha256).hex()
