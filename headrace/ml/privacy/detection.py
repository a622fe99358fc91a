r"""Finds columns that look like personal data, in a bounded sample of rows. No value is ever returned.

A cell counts if the pattern holds and, where there is one, the checksum. A column counts if a share of its present cells
does, so that a number which passes a checksum by chance (one in ten for Luhn's, one in 97 for that of bank accounts) does not
make its column personal. Free text counts from fewer cells: one address in a comment is one too many, but a pattern that is
found in the middle of a text needs a checksum or an ``@``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import trimmed
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.privacy.addresses import are_no_versions, is_address
from headrace.ml.privacy.checksums import is_card, is_iban, is_social_security
from headrace.ml.privacy.protection import ProtectionRule

MOST_ROWS = 2000
"""Rows of a file that are looked at: its first ones."""

_LEAST_SHARE = 0.5
_LEAST_SHARE_WITHIN = 0.01
_LEAST_CELLS = 3
_LONGEST_NUMBER = 12  # digits; a card has 13
_LONGEST = 1000  # characters of a cell that are looked at

Check = Callable[[str], bool]


@dataclass(frozen=True)
class _Kind:
    """One kind of personal data: how it looks, what is checked of a cell and of all, and whether it is told inside of texts."""

    pattern: re.Pattern[str]
    check: Check = bool
    within: bool = False
    of_column: Callable[[list[str]], bool] = bool

    def is_whole(self, text: str) -> bool:
        found = self.pattern.fullmatch(text)
        return found is not None and self.check(found.group())

    def is_within(self, text: str) -> bool:
        return self.within and any(self.check(found.group()) for found in self.pattern.finditer(text))


_KINDS: Mapping[str, _Kind] = {
    # RFC 5322 allows more; this is what people have.
    "email": _Kind(
        re.compile(
            r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
        ),
        within=True,
    ),
    # ISO/IEC 7812: 13 to 19 digits, the last by Luhn's formula, of a known issuer.
    "payment_card": _Kind(re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])"), is_card, within=True),
    # ISO 13616.
    "iban": _Kind(re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)"), is_iban, within=True),
    # Only as it is written, with hyphens: nine bare digits are any number.
    "us_social_security": _Kind(
        re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"), is_social_security, within=True
    ),
    # ITU-T E.164 with its plus, or with brackets or separators as people write it: bare digits are any number.
    "telephone": _Kind(
        re.compile(
            r"\+[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,4}\)?){2,6}"
            r"|\(\d{2,5}\) ?\d{2,4}(?:[ -]?\d{2,5}){1,3}"
            r"|0\d{1,4}[ /-]\d{3,4}[ -]?\d{3,5}"
            r"|\d{3}[ -]\d{3}[ -]\d{4}"
        ),
        check=lambda text: 8 <= sum(map(str.isdigit, text)) <= 15,  # noqa: PLR2004 - E.164
    ),
    "ip_address": _Kind(
        re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"),
        is_address,
        of_column=are_no_versions,
    ),
}

KINDS = tuple(_KINDS)
"""What is looked for."""


def find_personal(cells: pa.Table, *, leave_out: Iterable[str] = ()) -> dict[str, str]:
    """Return the columns that look personal, and as what.

    Parameters
    ----------
    cells : pyarrow.Table
        Text columns; the first `MOST_ROWS` rows are looked at.
    leave_out : iterable of str
        Columns that are not looked at.

    Returns
    -------
    dict of str to str
        One of `KINDS` for each column that was found.

    Examples
    --------
    >>> find_personal(pa.table({"contact": ["a@b.org", "c@d.org", "n/a", "e@f.org"], "n": ["1", "2", "3", "4"]}))
    {'contact': 'email'}
    """
    hidden = frozenset(leave_out)
    sample = cells.slice(0, MOST_ROWS)
    names = (name for name in sample.column_names if name not in hidden)
    found = {name: _kind_of(sample.column(name)) for name in names}
    return {name: kind for name, kind in found.items() if kind is not None}


def _kind_of(column: pa.ChunkedArray) -> str | None:
    texts = pc.utf8_slice_codeunits(trimmed(column), 0, _LONGEST).drop_null().to_pylist()
    if len(texts) < _LEAST_CELLS or _are_short_numbers(texts):
        return None
    for name, kind in _KINDS.items():
        found = sum(map(kind.is_whole, texts))
        if found >= max(_LEAST_CELLS, _LEAST_SHARE * len(texts)) and kind.of_column(texts):
            return name
    for name, kind in _KINDS.items():
        if kind.within and sum(map(kind.is_within, texts)) >= max(
            _LEAST_CELLS, _LEAST_SHARE_WITHIN * len(texts)
        ):
            # A plain number that fits by chance is none: only the share above tells columns of numbers.
            if name == "payment_card" and not any(map(_has_letters, texts)):
                continue
            return name
    return None


def _are_short_numbers(texts: list[str]) -> bool:
    """Tell at little cost what most columns are: numbers that are too short for any of the kinds."""
    if max(map(len, texts)) > _LONGEST_NUMBER:
        return False
    try:
        pc.cast(pa.array(texts), pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


def refuse_personal(found: Mapping[str, str]) -> FileRefusedError:
    """Return the refusal of a file with columns that look personal; the text names columns and kinds alone."""
    what = ", ".join(f"{column!r} like {kind.replace('_', ' ')}" for column, kind in found.items())
    why = f"undeclared columns look personal ({what}): name them in privacy.personal or privacy.not_personal"
    return FileRefusedError(FileReason.PERSONAL_DATA, why, found)


def look_for_personal(head: pa.Table, rule: ProtectionRule | None) -> dict[str, str]:
    """Return what looks personal in the first rows of a file, as the rule says.

    Raises
    ------
    FileRefusedError
        If the rule sends such a file to quarantine.
    """
    if rule is None or rule.undeclared == "off":
        return {}
    found = find_personal(head, leave_out=(*rule.personal, *rule.not_personal))
    if found and rule.undeclared == "quarantine":
        raise refuse_personal(found)
    return found
