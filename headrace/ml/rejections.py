"""Rows that were refused, and why: as columns, because there may be millions of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from headrace.ml.arrays import Ints

LONGEST_CELL = 1000
"""Characters; a longer cell is free text, or a sign that a quote was not closed."""

LONGEST_TEXT, LONGEST_IMAGE = 100_000, 6_000_000
"""Characters that a cell of the kinds ``text`` and ``image`` may have; the latter in base64, which is 4.5 MB of a file."""


class Reason(StrEnum):
    """Why a row was refused; `text` says it in words."""

    BROKEN_ROW = "broken_row"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_DATETIME = "not_a_datetime"
    NOT_AN_IMAGE = "not_an_image"
    TOO_LONG = "too_long"
    MISSING = "missing"
    UNKNOWN_LABEL = "unknown_label"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_CATEGORY = "unknown_category"
    DUPLICATE_ID = "duplicate_id"
    DUPLICATE_ROW = "duplicate_row"
    NOT_UNIQUE = "not_unique"
    FILTERED = "filtered"

    @property
    def text(self) -> str:
        """What is wrong, as the end of a sentence about a row."""
        return _REASON_TEXTS[self]


_REASON_TEXTS = {
    Reason.BROKEN_ROW: "has another number of cells than the first line",
    Reason.NOT_A_NUMBER: "is no finite number",
    Reason.NOT_A_BOOLEAN: "is neither true nor false",
    Reason.NOT_A_DATETIME: "is no ISO 8601 date or time",
    Reason.NOT_AN_IMAGE: "is no PNG or JPEG file in base64",
    Reason.TOO_LONG: f"is longer than {LONGEST_CELL} characters, or {LONGEST_TEXT} of the kind text",
    Reason.MISSING: "is missing, and a row needs it",
    Reason.UNKNOWN_LABEL: "is a label that the contract does not have",
    Reason.OUT_OF_RANGE: "is outside of the range that the pipeline file declares",
    Reason.UNKNOWN_CATEGORY: "is none of the categories that the pipeline file declares",
    Reason.DUPLICATE_ID: "appears again further down, and the last row counts",
    Reason.DUPLICATE_ROW: "appears again further down, the same in every column, and the last row counts",
    Reason.NOT_UNIQUE: "appears again further down, and the column is declared to be unique",
    Reason.FILTERED: "is one that a cleaning step of the pipeline file drops",
}


@dataclass(frozen=True)
class Rejection:
    """One refused row and the first thing that is wrong with it. The value itself is never repeated.

    Parameters
    ----------
    row : int
        1 is the first row after the header.
    column : str or None
        Where; None if the whole row is wrong.
    reason : Reason
        Why.
    value_class : str
        What stood there: number, text, date, nothing or row.
    """

    row: int
    column: str | None
    reason: Reason
    value_class: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        where = f"row {self.row}" + (f", column {self.column!r}" if self.column else "")
        return f"{where} ({self.value_class}) {self.reason.text}"


@dataclass(frozen=True)
class Rejections(Sequence[Rejection]):
    """Refused rows in the order of the file.

    Parameters
    ----------
    rows : ndarray of shape (n,)
        Their numbers.
    columns, reasons, value_classes : ndarray of object of shape (n,)
        As in `Rejection`.
    """

    rows: Ints
    columns: np.ndarray[Any, np.dtype[Any]]
    reasons: np.ndarray[Any, np.dtype[Any]]
    value_classes: np.ndarray[Any, np.dtype[Any]]

    @classmethod
    def of(cls, found: Sequence[Rejection]) -> Rejections:
        """Return single rejections as columns."""
        return cls(
            np.array([each.row for each in found], dtype=np.int64),
            *(
                np.array([getattr(each, name) for each in found], dtype=object)
                for name in ("column", "reason", "value_class")
            ),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return Rejection(
            int(self.rows[place]), self.columns[place], self.reasons[place], str(self.value_classes[place])
        )

    def __iter__(self) -> Iterator[Rejection]:
        return (self[place] for place in range(len(self)))


@dataclass
class Summary:
    """Counts of refused rows by column and reason, and the first of them, as JSON for whoever repairs the file.

    Examples
    --------
    >>> summary = Summary()
    >>> summary.add(Rejections.of([Rejection(2, "temp", Reason.NOT_A_NUMBER, "text")]))
    >>> summary.as_dict()["counts"]
    [{'column': 'temp', 'reason': 'not_a_number', 'means': 'is no finite number', 'rows': 1}]
    """

    most_examples: int = 20
    counts: Counter[tuple[str | None, Reason]] = field(default_factory=Counter)
    examples: list[Rejection] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows were refused."""
        return self.counts.total()

    def add(self, rejections: Rejections) -> None:
        """Count further rows."""
        self.counts.update(zip(rejections.columns, rejections.reasons, strict=True))
        self.examples += rejections[: self.most_examples - len(self.examples)]

    def and_(self, more: Summary, *, rows_before: int = 0) -> Summary:
        """Return the counts of both, and the first examples; rows of `more` have so many others before them.

        Examples
        --------
        >>> one = Summary()
        >>> one.add(Rejections.of([Rejection(2, "temp", Reason.NOT_A_NUMBER, "text")]))
        >>> both = one.and_(one, rows_before=10)
        >>> both.rows, [example.row for example in both.examples]
        (2, [2, 12])
        """
        moved = [replace(example, row=example.row + rows_before) for example in more.examples]
        examples = [*self.examples, *moved][: self.most_examples]
        return Summary(self.most_examples, self.counts + more.counts, examples)

    def by_reason(self) -> dict[str, int]:
        """Return how many rows were refused for each reason."""
        found: Counter[str] = Counter()
        for (_, reason), rows in self.counts.items():
            found[str(reason)] += rows
        return dict(found)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; no value of a cell is in it."""
        return {
            "rows": self.rows,
            "counts": [
                {"column": column, "reason": str(reason), "means": reason.text, "rows": rows}
                for (column, reason), rows in self.counts.most_common()
            ],
            "examples": [
                {
                    "row": each.row,
                    "column": each.column,
                    "reason": str(each.reason),
                    "value_class": each.value_class,
                }
                for each in self.examples
            ],
        }
