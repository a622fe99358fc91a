"""The inference ids under which the rows of files are captured: by them labels find their predictions."""

from __future__ import annotations

import hashlib

FORM = "^batch-[0-9a-f]{32}$"
"""What they look like, as a regular expression: requests to an endpoint have the ids of their callers."""


def batch_inference_id(key: str, sha256: str) -> str:
    """Return the inference id of all rows of a file.

    Parameters
    ----------
    key : str
        Where the file was dropped.
    sha256 : str
        Of its content, in hexadecimal digits.

    Examples
    --------
    >>> import re
    >>> bool(re.fullmatch(FORM, batch_inference_id("batch/a.csv", "0" * 64)))
    True
    """
    return f"batch-{hashlib.sha256(f'{key}#{sha256}'.encode()).hexdigest()[:32]}"
