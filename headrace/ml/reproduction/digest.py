"""One hash for a value that JSON can hold."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def json_sha256(value: Any) -> str:
    """Return the SHA-256 of a value as JSON with sorted keys, in 64 hexadecimal digits.

    Examples
    --------
    >>> json_sha256({"b": 1, "a": 2}) == json_sha256({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
