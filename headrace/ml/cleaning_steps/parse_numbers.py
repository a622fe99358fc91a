"""Reads numbers as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.registry import cleaning_step


@cleaning_step("parse_numbers", text_only=True)
def parse_numbers(
    cells: pa.ChunkedArray,
    *,
    decimal: str = ".",
    thousands: str | None = None,
    symbols: Sequence[str] = (),
    percent: bool = False,
    parentheses: bool = False,
) -> pa.ChunkedArray:
    """Return numbers as programs write them; what is none in the declared form stays as it is.

    A thousands sign counts only where it makes groups of three digits.

    Examples
    --------
    >>> cells = pa.chunked_array([["1.234,50 €", "12,5", "1.5", "-1.234.567", "EUR 3", "n/a", None]])
    >>> parse_numbers(cells, decimal=",", thousands=".", symbols=["€", "EUR"]).to_pylist()
    ['1234.50', '12.5', '1.5', '-1234567', '3', 'n/a', None]
    >>> parse_numbers(pa.chunked_array([["12 %", "(1,000)"]]), thousands=",", percent=True, parentheses=True).to_pylist()
    ['12e-2', '-1000']
    """
    signs = "|".join(re.escape(symbol) for symbol in sorted(symbols, key=len, reverse=True))
    around = rf"(?:(?:{signs})\s*)?" if signs else ""
    behind = rf"(?:\s*(?:{signs}))?" if signs else ""
    group = re.escape(thousands) if thousands else ""
    whole = rf"\d{{1,3}}(?:{group}\d{{3}})+|\d+" if thousands else r"\d+"
    pattern = (
        rf"^\s*(?P<open>\(?){around}(?P<sign>[+-]?){around}(?P<whole>{whole})"
        rf"(?:{re.escape(decimal)}(?P<part>\d*))?{behind}\s*(?P<percent>%?){behind}(?P<close>\)?)\s*$"
    )
    found = pc.extract_regex(cells, pattern)
    part = {
        name: pc.struct_field(found, name) for name in ("open", "sign", "whole", "part", "percent", "close")
    }
    number = pc.replace_substring(part["whole"], thousands, "") if thousands else part["whole"]
    fraction = pc.if_else(pc.equal(part["part"], ""), "", pc.binary_join_element_wise(".", part["part"], ""))
    hundredth = pc.if_else(pc.equal(part["percent"], "%"), "e-2", "")
    negative = pc.equal(part["open"], "(")
    sign = pc.if_else(negative, "-", pc.if_else(pc.equal(part["sign"], "-"), "-", ""))
    made = pc.binary_join_element_wise(sign, number, fraction, hundredth, "")
    valid = pc.equal(pc.equal(part["open"], "("), pc.equal(part["close"], ")"))
    if not parentheses:
        valid = pc.and_(valid, pc.invert(negative))
    if not percent:
        valid = pc.and_(valid, pc.equal(hundredth, ""))
    return pc.if_else(pc.fill_null(valid, False), made, cells)
