r"""Finds columns that look like personal data, in a bounded sample of rows. No value is ever returned.

A cell counts if the pattern holds and, where there is one, the checksum. A column counts if a share of its present cells
does, so that a number which passes a checksum by chance (one in ten for Luhn's, one in 97 for that of bank accounts) does not
make its column personal. Free text counts from fewer cells: one address in a comment is one too many, but a pattern that is
found in the middle of a text needs a checksum or an ``@``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import trimmed
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.privacy.personal_patterns import PATTERNS
from headrace.ml.privacy.protection import ProtectionRule

MOST_ROWS = 2000
"""Rows of a file that are looked at: its first ones."""

_LEAST_SHARE = 0.5
_LEAST_SHARE_WITHIN = 0.01
_LEAST_CELLS = 3
_LONGEST_NUMBER = 12  # digits; a card has 13
_LONGEST = 1000  # characters of a cell that are looked at


KINDS = tuple(PATTERNS)
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
    for name, kind in PATTERNS.items():
        found = sum(map(kind.is_whole, texts))
        if found >= max(_LEAST_CELLS, _LEAST_SHARE * len(texts)) and kind.of_column(texts):
            return name
    for name, kind in PATTERNS.items():
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
