"""Words as YAML has them."""

from __future__ import annotations

import re

_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def quoted(text: str) -> str:
    """Return a text as YAML reads it back: plain where that is safe.

    Examples
    --------
    >>> quoted("price"), quoted("No"), quoted("50 %")
    ('price', '"No"', '"50 %"')
    """
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_. -]*", text) and text.lower() not in _WORDS
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
