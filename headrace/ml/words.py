"""Words that mean something in any column, and files that stand in a cell. Needs nothing that is slow to import."""

from __future__ import annotations

import base64
import binascii
from itertools import product

MISSING_TOKENS = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "<na>")
"""Cells that mean "not known", whatever their case."""

TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0")

_IMAGE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def spellings(words: tuple[str, ...]) -> list[str]:
    """Return the words in every mixture of upper and lower case, for parsers that compare bytes.

    Examples
    --------
    >>> spellings(("na", "?"))
    ['?', 'NA', 'Na', 'nA', 'na']
    """
    cased = (product(*({letter.lower(), letter.upper()} for letter in word)) for word in words)
    return sorted("".join(letters) for mixtures in cased for letters in mixtures)


def image_file(text: str | None) -> bytes | None:
    r"""Return the file that base64 stands for, if it begins as PNG and JPEG files do, else None.

    Examples
    --------
    >>> image_file("iVBORw0KGgo="), image_file("aGVsbG8=")
    (b'\x89PNG\r\n\x1a\n', None)
    """
    try:
        data = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if data.startswith(_IMAGE_SIGNATURES) else None
