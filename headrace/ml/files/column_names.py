"""Column names as files have them: cleaned of what nobody can see, and each its own."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError

_INVISIBLE = (
    "Cc",
    "Cf",
)  # control characters; format characters such as zero-width spaces and direction marks


def column_names(raw: Sequence[str], options: ReadOptions) -> list[str]:
    r"""Return the names in Unicode's composed form, without invisible characters and white space around them.

    Raises
    ------
    FileRefusedError
        If there are too many, one is empty, or two are the same but for the case of their letters.

    Examples
    --------
    >>> column_names([" temp", "\u200bcnt"], ReadOptions())
    ['temp', 'cnt']
    """
    if len(raw) > options.max_columns:
        why = f"the file has {len(raw)} columns, more than ingest.max_columns ({options.max_columns})"
        raise FileRefusedError(FileReason.TOO_WIDE, why)
    names = [_visible(name) for name in raw]
    if "" in names:
        why = f"column {names.index('') + 1} has no name in the first line"
        raise FileRefusedError(FileReason.UNNAMED_COLUMN, why)
    counts = Counter(name.casefold() for name in names)
    if twice := sorted({name for name in names if counts[name.casefold()] > 1}):
        why = f"the first line names {', '.join(map(repr, twice))} twice" + _but_for(twice)
        raise FileRefusedError(FileReason.DUPLICATE_COLUMN, why)
    return names


def _visible(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    return "".join(letter for letter in composed if unicodedata.category(letter) not in _INVISIBLE).strip()


def _but_for(twice: Sequence[str]) -> str:
    return ", but for the case of letters" if len(twice) > 1 else ""
