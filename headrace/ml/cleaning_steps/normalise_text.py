"""Writes the same text in the same way: Unicode form, case, white space."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.distinct import for_each_distinct
from headrace.ml.cleaning_steps.registry import cleaning_step

_FORMS = {
    "nfc": partial(unicodedata.normalize, "NFC"),
    "nfkc": partial(unicodedata.normalize, "NFKC"),
}
_CASES = {"lower": pc.utf8_lower, "upper": pc.utf8_upper, "title": pc.utf8_title}


@cleaning_step("normalise_text")
def normalise_text(
    cells: pa.ChunkedArray,
    *,
    unicode: Literal["nfc", "nfkc", "keep"] = "nfc",
    case: Literal["lower", "upper", "title", "keep"] = "keep",
    spaces: Literal["single", "keep"] = "single",
) -> pa.ChunkedArray:
    r"""Return the cells in one Unicode form and case, with single spaces inside and none around.

    References
    ----------
    .. [1] Unicode Standard Annex #15, "Unicode Normalization Forms".

    Examples
    --------
    >>> cells = pa.chunked_array([["  Nu\u0308rnberg \t Nord ", "\uff11\uff12"]])
    >>> normalise_text(cells, unicode="nfkc", case="lower").to_pylist()
    ['nürnberg nord', '12']
    """
    if unicode != "keep" and not pc.all(pc.string_is_ascii(cells)).as_py():
        # Arrow's own utf8_normalize (25.0) takes letters apart and does not put them together again.
        cells = for_each_distinct(cells, _FORMS[unicode])
    if case != "keep":
        cells = _CASES[case](cells)
    if spaces == "single":
        cells = pc.replace_substring_regex(cells, r"[\s\p{Z}]+", " ")
    return pc.utf8_trim_whitespace(cells)
