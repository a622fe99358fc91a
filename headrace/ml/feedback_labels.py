"""Labels as they arrive: what a record of feedback must say, and what is wrong with one that does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_categories, as_datetimes, as_flags, as_numbers, trimmed, value_classes
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.rejections import LONGEST_CELL, Reason, Rejection, Rejections
from headrace.ml.text_table import TextTable, rows_as_written

Join = Literal["inference_id", "entity"]

MOMENT = pa.timestamp("us")
LABELS = pa.schema(
    [
        ("inference_id", pa.string()),
        ("row", pa.int64()),
        ("entity", pa.string()),
        ("at", MOMENT),
        ("label", pa.string()),
        ("labelled_at", MOMENT),
        ("received_at", MOMENT),
        ("source", pa.string()),
        ("compared_upto", MOMENT),
    ]
)
"""Accepted labels. `at` is the moment that an entity's label speaks of; `compared_upto` says up to which object, by its time
of writing, predictions were searched in vain. All moments are in UTC."""

_AHEAD = timedelta(days=1)
"""How much later than its arrival a label may say that it was given: clocks and time zones differ, and not by more. One that
claims to come from the future would otherwise win over all corrections."""
_MOST_ROWS = 1_000_000  # of one request; SageMaker takes 25 MB


@dataclass(frozen=True)
class LabelRules:
    """What records of one pipeline must be.

    Parameters
    ----------
    join : {"inference_id", "entity"}
        What finds the prediction.
    problem : {"binary", "multiclass", "regression"}
        What kind of answer a label is.
    target : str
        The pipeline's target: a column of that name is taken for ``label``.
    id : str or None
        The pipeline's id: a column of that name is taken for ``entity``.
    allowed : tuple of str or None
        All labels that there are; None where any is allowed.
    """

    join: Join
    problem: Literal["binary", "multiclass", "regression"]
    target: str
    id: str | None = None
    allowed: tuple[str, ...] | None = None


def read_labels(
    table: TextTable, rules: LabelRules, *, received_at: datetime, source: str
) -> tuple[pa.Table, Rejections]:
    r"""Read records of feedback.

    Parameters
    ----------
    table : TextTable
        Columns ``inference_id`` and perhaps ``row`` (0 is the first of its request, and the default), or ``entity`` and
        perhaps ``time`` (of which the label speaks; ``labelled_at`` is the default); ``label``; perhaps ``labelled_at``
        (when somebody said so, ISO 8601, without an offset UTC; when the record arrived is the default).
    rules : LabelRules
        What they must be.
    received_at : datetime
        When they arrived, in UTC.
    source : str
        What they came with.

    Returns
    -------
    pyarrow.Table, Rejections
        The good records, as :data:`LABELS` says, and why the others are none. Together they are all records.

    Raises
    ------
    FileRefusedError
        If there is no column for what finds the prediction, or for the label.

    Examples
    --------
    >>> from datetime import UTC
    >>> from headrace.ml.files.small import read_bytes
    >>> file = read_bytes(b"inference_id,label,labelled_at\nride-7,12,2026-01-31T10:00+02:00\nride-8,many,\n")
    >>> rules = LabelRules("inference_id", "regression", "cnt")
    >>> labels, refused = read_labels(file, rules, received_at=datetime(2026, 2, 1, tzinfo=UTC), source="a.csv")
    >>> labels.select(["inference_id", "row", "label", "labelled_at"]).to_pylist()  # doctest: +NORMALIZE_WHITESPACE
    [{'inference_id': 'ride-7', 'row': 0, 'label': '12', 'labelled_at': datetime.datetime(2026, 1, 31, 8, 0)}]
    >>> [str(each) for each in refused]
    ["row 2, column 'label' (text) is no finite number"]
    """
    cells = _Cells(table, rules)
    arrived = pa.scalar(received_at.replace(tzinfo=None), MOMENT)
    labelled_at = pc.fill_null(cells.moments("labelled_at", not_after=received_at + _AHEAD), arrived)
    columns = {
        "inference_id": cells.text("inference_id", needed=rules.join == "inference_id"),
        "row": cells.rows(),
        "entity": as_categories(cells.text("entity", needed=rules.join == "entity")),
        "at": pc.fill_null(cells.moments("time", not_after=received_at + _AHEAD), labelled_at),
        "label": cells.labels(rules),
        "labelled_at": labelled_at,
        "received_at": pa.repeat(arrived, len(labelled_at)),
        "source": pa.repeat(pa.scalar(source, pa.string()), len(labelled_at)),
        "compared_upto": pa.nulls(len(labelled_at), MOMENT),
    }
    good = cells.fault < 0
    return pa.table(columns, schema=LABELS).filter(pa.array(good)), cells.rejections()


class _Cells:
    """The columns of a file, and the first fault of each record."""

    def __init__(self, table: TextTable, rules: LabelRules) -> None:
        self._table = table
        given = table.cells.column_names
        standing_in = {"label": rules.target, "entity": rules.id}
        self._names = {
            name: name if name in given else standing_in.get(name)
            for name in ("inference_id", "row", "entity", "time", "label", "labelled_at")
        }
        for name in (rules.join, "label"):
            if self._names[name] not in given:
                other = f" or {standing_in[name]!r}" if standing_in.get(name) else ""
                why = f"labels need the columns {rules.join!r} and 'label', and there is no {name!r}{other}"
                raise FileRefusedError(FileReason.CONTRACT, why)
        self._found: list[tuple[str, Reason]] = []
        self.fault = np.full(table.cells.num_rows, -1)

    def text(self, name: str, *, needed: bool) -> pa.ChunkedArray:
        cells = self._given(name)
        long = pc.fill_null(pc.greater(pc.utf8_length(cells), LONGEST_CELL), False)
        self._refuse(name, Reason.TOO_LONG, long)
        if needed:
            self._refuse(name, Reason.MISSING, cells.is_null())
        return cells

    def rows(self) -> pa.ChunkedArray:
        cells = self._given("row")
        numbers = as_numbers(cells)
        self._refuse("row", Reason.NOT_A_NUMBER, pc.and_(cells.is_valid(), numbers.is_null()))
        numbers = pc.fill_null(numbers, 0.0)
        whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.greater_equal(numbers, 0))
        fits = pc.and_(whole, pc.less(numbers, _MOST_ROWS))
        self._refuse("row", Reason.OUT_OF_RANGE, pc.invert(fits))
        return pc.cast(pc.if_else(fits, numbers, 0.0), pa.int64())

    def moments(self, name: str, *, not_after: datetime) -> pa.ChunkedArray:
        cells = self._given(name)
        moments = as_datetimes(cells)
        self._refuse(name, Reason.NOT_A_DATETIME, pc.and_(cells.is_valid(), moments.is_null()))
        limit = pa.scalar(not_after.replace(tzinfo=None), MOMENT)
        self._refuse(name, Reason.OUT_OF_RANGE, pc.fill_null(pc.greater(moments, limit), False))
        return moments

    def labels(self, rules: LabelRules) -> pa.ChunkedArray:
        cells = self.text("label", needed=True)
        if rules.problem == "regression":
            wrong = pc.and_(cells.is_valid(), as_numbers(cells).is_null())
            self._refuse("label", Reason.NOT_A_NUMBER, wrong)
            return cells
        labels = as_categories(cells)
        if rules.allowed is not None:
            known = pc.is_in(labels, value_set=pa.array(rules.allowed, pa.string()))
            self._refuse("label", Reason.UNKNOWN_LABEL, pc.and_(labels.is_valid(), pc.invert(known)))
        return labels

    def rejections(self) -> Rejections:
        """Return why records are refused, in the order of the file."""
        found = [Rejection(row, None, Reason.BROKEN_ROW, "row") for row in self._table.broken]
        for fault in np.unique(self.fault[self.fault >= 0]):
            name, reason = self._found[fault]
            places = np.flatnonzero(self.fault == fault)
            rows = self._table.row_numbers[places].tolist()
            classes = value_classes(self._given(name).take(pa.array(places))).tolist()
            found += [Rejection(row, name, reason, each) for row, each in zip(rows, classes, strict=True)]
        return Rejections.of(sorted(found, key=lambda each: each.row))

    def _given(self, name: str) -> pa.ChunkedArray:
        column = self._names[name]
        if column not in self._table.cells.column_names:
            return pa.chunked_array([pa.nulls(self._table.cells.num_rows, pa.string())])
        return trimmed(self._table.cells.column(column))

    def _refuse(self, name: str, reason: Reason, wrong: pa.ChunkedArray) -> None:
        """Take note of the records that are `wrong`, unless something else was before."""
        self._found.append((name, reason))
        fresh = as_flags(wrong) & (self.fault < 0)
        self.fault[fresh] = len(self._found) - 1


def refused_text(table: TextTable, rejections: Rejections) -> pa.Table:
    """Return refused records as they were written: their number, then the file's columns, then the text of broken ones.

    Examples
    --------
    >>> table = TextTable(pa.table({"label": ["x"]}), np.array([1]), {2: "a,b"})
    >>> found = [Rejection(1, "label", Reason.NOT_A_NUMBER, "text"), Rejection(2, None, Reason.BROKEN_ROW, "row")]
    >>> refused_text(table, Rejections.of(found)).to_pylist()
    [{'row': 1, 'label': 'x', 'text': None}, {'row': 2, 'label': None, 'text': 'a,b'}]
    """
    return rows_as_written(table, np.flatnonzero(np.isin(table.row_numbers, rejections.rows)))
