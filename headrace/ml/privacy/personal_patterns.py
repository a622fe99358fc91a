"""How personal data looks, and what is checked of what looks so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headrace.ml.privacy.addresses import are_no_versions, is_address
from headrace.ml.privacy.checksums import is_card, is_iban, is_social_security

Check = Callable[[str], bool]


@dataclass(frozen=True)
class Pattern:
    """One kind of personal data: how it looks, what is checked of a cell and of all, and whether it is told inside of texts."""

    pattern: re.Pattern[str]
    check: Check = bool
    within: bool = False
    of_column: Callable[[list[str]], bool] = bool

    def is_whole(self, text: str) -> bool:
        """Tell whether a cell is of this kind, and nothing else."""
        found = self.pattern.fullmatch(text)
        return found is not None and self.check(found.group())

    def is_within(self, text: str) -> bool:
        """Tell whether a text holds one, if that can be told."""
        return self.within and any(self.check(found.group()) for found in self.pattern.finditer(text))


PATTERNS: Mapping[str, Pattern] = {
    # RFC 5322 allows more; this is what people have.
    "email": Pattern(
        re.compile(
            r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
        ),
        within=True,
    ),
    # ISO/IEC 7812: 13 to 19 digits, the last by Luhn's formula, of a known issuer.
    "payment_card": Pattern(re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])"), is_card, within=True),
    # ISO 13616.
    "iban": Pattern(re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)"), is_iban, within=True),
    # Only as it is written, with hyphens: nine bare digits are any number.
    "us_social_security": Pattern(
        re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"), is_social_security, within=True
    ),
    # ITU-T E.164 with its plus, or with brackets or separators as people write it: bare digits are any number.
    "telephone": Pattern(
        re.compile(
            r"\+[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,4}\)?){2,6}"
            r"|\(\d{2,5}\) ?\d{2,4}(?:[ -]?\d{2,5}){1,3}"
            r"|0\d{1,4}[ /-]\d{3,4}[ -]?\d{3,5}"
            r"|\d{3}[ -]\d{3}[ -]\d{4}"
        ),
        check=lambda text: 8 <= sum(map(str.isdigit, text)) <= 15,  # noqa: PLR2004 - E.164
    ),
    "ip_address": Pattern(
        re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"),
        is_address,
        of_column=are_no_versions,
    ),
}
"""What is looked for, by name."""


def kinds_within(text: str) -> list[str]:
    """Return which kinds of personal data a text holds, of those that are told inside of texts; never the values.

    Examples
    --------
    >>> kinds_within("as ann@example.org has asked"), kinds_within("no alarm at a share of 20 %")
    (['email'], [])
    """
    return [name for name, pattern in PATTERNS.items() if pattern.is_within(text)]
