"""Checksums that tell a number of a card, an account or a person from any other number."""

from __future__ import annotations

import re

_IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
}
_ISSUERS = re.compile(r"3[0-9]\d+|4\d+|5[0-9]\d+|6\d+|2[2-7]\d+")


def is_card(text: str) -> bool:
    """Tell whether digits are the number of a payment card: an issuer's first digits, and Luhn's formula [1]_.

    References
    ----------
    .. [1] ISO/IEC 7812-1, annex B: formula for computing the modulus 10 "double-add-double" check digit.

    Examples
    --------
    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    digits = re.sub(r"[ -]", "", text)
    if not _ISSUERS.fullmatch(digits) or len(set(digits)) == 1:
        return False
    doubled = [
        int(digit) if place % 2 == 0 else sum(divmod(2 * int(digit), 10))
        for place, digit in enumerate(reversed(digits))
    ]
    return sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Tell whether a text is an international bank account number: its country's length, and MOD 97-10 [1]_.

    References
    ----------
    .. [1] ISO 13616-1; SWIFT, "IBAN Registry".

    Examples
    --------
    >>> is_iban("DE89 3704 0044 0532 0130 00"), is_iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    plain = text.replace(" ", "")
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def is_social_security(text: str) -> bool:
    """Tell whether ``AAA-GG-SSSS`` can be a number of the US Social Security Administration [1]_.

    References
    ----------
    .. [1] SSA, "Social Security Number Randomization": no area 000, 666 or 900 to 999, no group 00, no serial 0000.

    Examples
    --------
    >>> is_social_security("219-09-9999"), is_social_security("900-12-3456")
    (True, False)
    """
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
