"""Cleans a file row by row against the contract: good rows typed, bad rows named with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Flags
from headrace.ml.cells import as_booleans, as_categories, as_datetimes, as_numbers, trimmed
from headrace.ml.contract import ColumnSchema, Contract, ContractError, Kind, missing_columns
from headrace.ml.table_names import free_name
from headrace.ml.text_table import TextTable

_LONGEST_CELL = 1000
_ARROW_TYPES = {
    "number": pa.float64(),
    "category": pa.string(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
}


class Reason(StrEnum):
    """Why a row was refused; `text` says it in words."""

    BROKEN_ROW = "broken_row"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_DATETIME = "not_a_datetime"
    TOO_LONG = "too_long"
    MISSING = "missing"
    UNKNOWN_LABEL = "unknown_label"
    DUPLICATE_ID = "duplicate_id"

    @property
    def text(self) -> str:
        """What is wrong, as the end of a sentence about a row."""
        return _REASON_TEXTS[self]


_REASON_TEXTS = {
    Reason.BROKEN_ROW: "has another number of cells than the first line",
    Reason.NOT_A_NUMBER: "is no finite number",
    Reason.NOT_A_BOOLEAN: "is neither true nor false",
    Reason.NOT_A_DATETIME: "is no ISO 8601 date or time",
    Reason.TOO_LONG: f"is longer than {_LONGEST_CELL} characters",
    Reason.MISSING: "is missing, and a row needs it",
    Reason.UNKNOWN_LABEL: "is a label that the first files did not have",
    Reason.DUPLICATE_ID: "appears again further down, and the last row counts",
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
class Cleaned:
    """What came out of a file.

    Parameters
    ----------
    frame : DataFrame
        The good rows, one column per column of the contract: float64, text, boolean, datetime64[us] in UTC.
    rejections : list of Rejection
        One per refused row, in the order of the file.
    rejected_text : DataFrame
        The refused rows as they were written: their number, then the file's columns; a broken row is in the last.
        Those two are called ``row`` and ``text``, or ``row_2`` and ``text_2`` if the file has such columns.
    extra_columns : list of str
        Columns of the file that the contract does not know; they were dropped.
    """

    frame: pd.DataFrame
    rejections: list[Rejection]
    rejected_text: pd.DataFrame
    extra_columns: list[str]

    @property
    def rows(self) -> int:
        """How many rows the file had."""
        return len(self.frame) + len(self.rejections)

    @property
    def bad_row_share(self) -> float:
        """Share of refused rows, 0 to 1; 0 for an empty file."""
        return len(self.rejections) / self.rows if self.rows else 0.0


def clean(table: TextTable, contract: Contract) -> Cleaned:
    r"""Clean a file against its contract.

    Cells are trimmed; those that mean "not known" become missing. A feature may be missing, a target, an id and a time
    may not. Of rows with the same id the last stays. A fault in an ignored column makes the cell missing.

    Parameters
    ----------
    table : TextTable
        The file as text.
    contract : Contract
        What it must look like.

    Returns
    -------
    Cleaned
        Good rows and refused rows; together they are all rows of the file.

    Raises
    ------
    ContractError
        If the file lacks a column.

    Examples
    --------
    >>> from headrace.ml.contract import Fields, infer_contract
    >>> from headrace.ml.text_table import read_csv_text
    >>> first = read_csv_text(b"id,temp,cnt\n1,0.3,4\n2,NA,7\n")
    >>> contract = infer_contract(first, Fields("regression", "cnt", id="id"))
    >>> cleaned = clean(read_csv_text(b"id,temp,cnt\n3,0.4,9\n4,warm,9\n5,0.2,\n6\n"), contract)
    >>> len(cleaned.frame), [str(rejection) for rejection in cleaned.rejections]  # doctest: +NORMALIZE_WHITESPACE
    (1, ["row 2, column 'temp' (text) is no finite number",
         "row 3, column 'cnt' (nothing) is missing, and a row needs it",
         'row 4 (row) has another number of cells than the first line'])
    """
    names = table.cells.column_names
    if missing := missing_columns(contract, names):
        raise ContractError(f"the file has no column {', '.join(map(repr, missing))}")
    columns = {column.name: _clean_column(column, table.cells) for column in contract.columns}
    fault = _first_faults(columns, table.cells.num_rows)
    _mark_duplicates(fault, columns, contract)
    rejections = _rejections(fault, table, list(columns))
    good = pa.table({name: cells.values for name, cells in columns.items()}).filter(
        pa.array(fault.column < 0)
    )
    return Cleaned(
        frame=good.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get),
        rejections=rejections,
        rejected_text=_rejected_text(fault, table),
        extra_columns=[name for name in names if name not in columns],
    )


def summarise(rejections: Sequence[Rejection], *, examples: int = 20) -> dict[str, Any]:
    """Return counts by column and reason, and the first rows, as JSON for whoever repairs the file.

    Examples
    --------
    >>> summarise([Rejection(2, "temp", Reason.NOT_A_NUMBER, "text")])["counts"]
    [{'column': 'temp', 'reason': 'not_a_number', 'means': 'is no finite number', 'rows': 1}]
    """
    counts = Counter((rejection.column, rejection.reason) for rejection in rejections)
    return {
        "rows": len(rejections),
        "counts": [
            {"column": column, "reason": str(reason), "means": reason.text, "rows": rows}
            for (column, reason), rows in counts.most_common()
        ],
        "examples": [asdict(rejection) for rejection in rejections[:examples]],
    }


@dataclass(frozen=True)
class _CleanColumn:
    """Typed cells and, where they could not be typed, why."""

    values: pa.ChunkedArray
    faults: dict[Reason, Flags]


@dataclass(frozen=True)
class _Faults:
    """The first fault of every row: index of its column and of its reason; -1 where there is none."""

    column: np.ndarray[Any, np.dtype[np.int32]]
    reason: np.ndarray[Any, np.dtype[np.int32]]


_REASONS = list(Reason)
_TYPES: dict[Kind, tuple[Callable[[pa.ChunkedArray], pa.ChunkedArray], Reason]] = {
    "number": (as_numbers, Reason.NOT_A_NUMBER),
    "category": (as_categories, Reason.TOO_LONG),
    "boolean": (as_booleans, Reason.NOT_A_BOOLEAN),
    "datetime": (as_datetimes, Reason.NOT_A_DATETIME),
}


def _clean_column(column: ColumnSchema, cells: pa.Table) -> _CleanColumn:
    if column.name not in cells.column_names:
        return _CleanColumn(pa.chunked_array([pa.nulls(cells.num_rows, _ARROW_TYPES[column.kind])]), {})
    text = trimmed(cells.column(column.name))
    convert, reason = _TYPES[column.kind]
    short = pc.fill_null(pc.less_equal(pc.utf8_length(text), _LONGEST_CELL), True)
    values = convert(pc.if_else(short, text, pa.scalar(None, pa.string())))
    if column.role == "ignored":
        return _CleanColumn(values, {})
    faults = {Reason.TOO_LONG: ~_flags(short), reason: _flags(text.is_valid()) & ~_flags(values.is_valid())}
    if column.role != "feature":
        faults[Reason.MISSING] = ~_flags(text.is_valid())
    if column.allowed is not None:
        known = pc.is_in(values, value_set=pa.array(column.allowed, pa.string()))
        faults[Reason.UNKNOWN_LABEL] = _flags(values.is_valid()) & ~_flags(known)
    return _CleanColumn(values, faults)


def _flags(values: pa.ChunkedArray) -> Flags:
    return np.asarray(
        values.to_numpy(zero_copy_only=False) if hasattr(values, "to_numpy") else values, dtype=bool
    )


def _first_faults(columns: dict[str, _CleanColumn], rows: int) -> _Faults:
    found = _Faults(np.full(rows, -1, dtype=np.int32), np.full(rows, -1, dtype=np.int32))
    for index, column in enumerate(columns.values()):
        for reason, flags in column.faults.items():
            fresh = flags & (found.column < 0)
            found.column[fresh] = index
            found.reason[fresh] = _REASONS.index(reason)
    return found


def _mark_duplicates(fault: _Faults, columns: dict[str, _CleanColumn], contract: Contract) -> None:
    name = contract.named("id")
    if name is None:
        return
    good = np.flatnonzero(fault.column < 0)
    ids = columns[name].values.take(pa.array(good)).to_pandas()
    earlier = good[ids.duplicated(keep="last").to_numpy()]
    fault.column[earlier] = list(columns).index(name)
    fault.reason[earlier] = _REASONS.index(Reason.DUPLICATE_ID)


def _rejections(fault: _Faults, table: TextTable, names: list[str]) -> list[Rejection]:
    found = [Rejection(row, None, Reason.BROKEN_ROW, "row") for row in table.broken]
    for index, name in enumerate(names):
        rows = np.flatnonzero(fault.column == index)
        if not len(rows):
            continue
        classes = _value_classes(table.cells.column(name).take(pa.array(rows)))
        found += [
            Rejection(int(table.row_numbers[row]), name, _REASONS[fault.reason[row]], value_class)
            for row, value_class in zip(rows, classes, strict=True)
        ]
    return sorted(found, key=lambda rejection: rejection.row)


def _value_classes(cells: pa.ChunkedArray) -> list[str]:
    text = trimmed(cells)
    tests = [pc.is_null(text), pc.is_valid(as_numbers(text)), pc.is_valid(as_datetimes(text))]
    return list(np.select([_flags(test) for test in tests], ["nothing", "number", "date"], "text"))


def _rejected_text(fault: _Faults, table: TextTable) -> pd.DataFrame:
    rows = np.flatnonzero(fault.column >= 0)
    whole = table.cells.take(pa.array(rows)).to_pandas().astype(object)
    number, text = (free_name(name, table.cells.column_names) for name in ("row", "text"))
    whole.insert(0, number, table.row_numbers[rows])
    if table.broken:
        broken = pd.DataFrame({number: list(table.broken), text: list(table.broken.values())}, dtype=object)
        whole = pd.concat([whole, broken], ignore_index=True)
    ordered: pd.DataFrame = whole.sort_values(number, ignore_index=True)
    return ordered
