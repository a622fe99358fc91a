"""HTML and SVG of which every text is escaped: what a page shows is data, names of columns too."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta"})
LONGEST_NAME = 80
"""So much of a name is shown, in characters."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Part = str | float | None | Iterable["Part"]


def element(tag: str, *parts: Part, **attributes: str | float | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    tag : str
        Its name.
    *parts : str, number, Markup, None, or iterables of these
        What is in it: Markup as it is, everything else escaped; None is nothing.
    **attributes : str, number or None
        Escaped; None is left out. ``_`` stands for ``-``, and one at the end, as in ``class_``, for nothing.

    Examples
    --------
    >>> element("p", "a < b", element("b", "!"), class_="x")
    '<p class="x">a &lt; b<b>!</b></p>'
    """
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{named}>" if tag in _VOID else f"<{tag}{named}>{joined(*parts)}</{tag}>")


def joined(*parts: Part) -> Markup:
    """Return parts one after the other."""
    return Markup("".join(map(_markup, parts)))


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters.

    Examples
    --------
    >>> shortened("temperature", 5)
    'temp…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _markup(part: Part) -> str:
    if part is None:
        return ""
    if isinstance(part, Markup):
        return part
    if isinstance(part, (str, int, float)):
        return escape(_text(part))
    return joined(*part)


def _text(value: str | float) -> str:
    """Return a text that may be in a document, or a coordinate to a tenth."""
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return "".join(
        character if _is_allowed(character) else "\N{REPLACEMENT CHARACTER}" for character in str(value)
    )


def _is_allowed(character: str) -> bool:
    """Tell whether HTML, and UTF-8, can have a character."""
    return character in "\t\n" or (
        character >= " " and not "\x7f" <= character <= "\x9f" and not _is_half(character)
    )


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
