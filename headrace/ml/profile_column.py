"""The distribution of one column, in a few kilobytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.column_schema import Kind


@dataclass(frozen=True)
class ColumnProfile:
    """The distribution of one column.

    Parameters
    ----------
    name, kind : str
        As in the schema. Texts are profiled by their length in characters, images by that of their file in bytes, and
        both by their `measures`.
    rows, missing : int
        All rows, and those without a value. A number that is not finite counts as missing.
    edges : ndarray of shape (n_edges,)
        Numbers: upper ends of the bins, ascending; empty for other kinds.
    levels : tuple of str
        Categories and booleans: most frequent first; empty for other kinds.
    counts : ndarray
        Numbers: rows in each bin, one more than there are edges. Categories: rows of each level, then of all others.
    mean, sd : float or None
        Of the present numbers; the standard deviation is that of the rows, without a correction for small samples.
    inflation, missing_inflation : float
        How many rows weigh as much as one independent row, for the values and for the missing cells; at least 1.
    minimum, maximum : float or None
        Of the present numbers; of times in seconds since 1970.
    whole : int
        Present numbers without a fraction.
    hashes : tuple of int
        Categories: the smallest hashes of the distinct values, ascending, by which these are counted.
    words : tuple of str
        Texts: the words that are most frequent in the reference.
    measures : tuple of ColumnProfile
        Texts and images: what else is measured of each, such as the number of words, or the width in pixels.
    """

    name: str
    kind: Kind
    rows: int
    missing: int
    edges: Floats
    levels: tuple[str, ...]
    counts: Ints
    mean: float | None
    sd: float | None
    inflation: float
    missing_inflation: float
    minimum: float | None = None
    maximum: float | None = None
    whole: int = 0
    hashes: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    measures: tuple[ColumnProfile, ...] = ()

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; what is empty is left out."""
        named = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in named.items() if value not in ([], None) or name in _ALWAYS}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        read = {
            "edges": np.asarray(entry.get("edges", ()), dtype=np.float64),
            "counts": np.asarray(entry.get("counts", ()), dtype=np.int64),
            "measures": tuple(map(ColumnProfile.from_dict, entry.get("measures", ()))),
        } | {name: tuple(entry.get(name, ())) for name in ("levels", "hashes", "words")}
        return cls(**{**entry, **read})


_ALWAYS = frozenset({"edges", "levels", "counts", "mean", "sd"})


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [item.as_dict() if isinstance(item, ColumnProfile) else item for item in value]
    return value
