"""Cleans rows against the contract: good rows typed, bad rows named with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Flags, Ints, Labels
from headrace.ml.cells import (
    as_booleans,
    as_categories,
    as_datetimes,
    as_flags,
    as_images,
    as_numbers,
    as_texts,
    trimmed,
    value_classes,
)
from headrace.ml.cleaning_steps.chain import apply_steps
from headrace.ml.contract import ColumnSchema, Contract, ContractError, Kind, missing_columns
from headrace.ml.rejections import LONGEST_CELL, LONGEST_IMAGE, LONGEST_TEXT, Reason, Rejections
from headrace.ml.text_table import TextTable, rows_as_written

ARROW_TYPES: dict[Kind, pa.DataType] = {
    "number": pa.float64(),
    "category": pa.string(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "text": pa.string(),
    "image": pa.binary(),
}
"""How cleaned cells of each kind are held."""


@dataclass(frozen=True)
class Cleaned:
    """What came out of some rows of a file.

    Parameters
    ----------
    good : pyarrow.Table
        The good rows, one column per column of the contract: float64, text, boolean, timestamp in UTC.
    row_numbers : ndarray of shape (n_good_rows,)
        Their numbers in the file.
    rejections : Rejections
        One per refused row, in the order of the file.
    rejected_text : pyarrow.Table
        The refused rows as they were written: their number, then the file's columns; a broken row is in the last.
        Those two are called ``row`` and ``text``, or ``row_2`` and ``text_2`` if the file has such columns.
    flagged : Counter of (str, Reason)
        How many good rows break a rule that is declared to be flagged, by column.
    """

    good: pa.Table
    row_numbers: Ints
    rejections: Rejections
    rejected_text: pa.Table
    flagged: Counter[tuple[str, Reason]] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """How many rows there were."""
        good: int = self.good.num_rows
        return good + len(self.rejections)


def clean(table: TextTable, contract: Contract) -> Cleaned:
    r"""Clean rows against their contract.

    The contract's cleaning steps come first. Then cells are trimmed; those that mean "not known" become missing. A feature
    may be missing unless it is declared otherwise, a target, an id and a time may not. A fault in an ignored column makes
    the cell missing. Each row is judged by itself: what makes two rows one is found by `headrace.ml.duplicates`.

    Parameters
    ----------
    table : TextTable
        Rows of a file as text.
    contract : Contract
        What they must look like.

    Returns
    -------
    Cleaned
        Good rows and refused rows; together they are all rows.

    Raises
    ------
    ContractError
        If the file lacks a column.
    CleaningStepError
        If a cleaning step fails.

    Examples
    --------
    >>> from headrace.ml.contract import Fields, infer_contract
    >>> from headrace.ml.files.small import read_bytes
    >>> first = read_bytes(b"id,temp,cnt\n1,0.3,4\n2,NA,7\n")
    >>> contract = infer_contract(first, Fields("regression", "cnt", id="id"))
    >>> cleaned = clean(read_bytes(b"id,temp,cnt\n3,0.4,9\n4,warm,9\n5,0.2,\n6\n"), contract)
    >>> cleaned.good.num_rows, [str(rejection) for rejection in cleaned.rejections]  # doctest: +NORMALIZE_WHITESPACE
    (1, ["row 2, column 'temp' (text) is no finite number",
         "row 3, column 'cnt' (nothing) is missing, and a row needs it",
         'row 4 (row) has another number of cells than the first line'])
    """
    if missing := missing_columns(contract, table.cells.column_names):
        raise ContractError(f"the file has no column {', '.join(map(repr, missing))}")
    stepped = apply_steps(table.cells, contract.steps)
    columns = {column.name: _clean_column(column, stepped.cells) for column in contract.columns}
    good = pa.table({name: cells.values for name, cells in columns.items()})
    if not table.broken and stepped.kept is None and not any(cells.faults for cells in columns.values()):
        return Cleaned(good, table.row_numbers, Rejections.of(()), pa.table({}), _flagged(columns))
    dropped = None if stepped.kept is None else ~as_flags(stepped.kept)
    fault = _first_faults(columns, table.cells.num_rows, dropped)
    kept = fault.column < 0
    return Cleaned(
        good.filter(pa.array(kept)),
        table.row_numbers[kept],
        _rejections(fault, table, list(columns)),
        rows_as_written(table, np.flatnonzero(fault.column >= 0)),
        _flagged(columns, kept),
    )


def typed(kind: Kind, text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return trimmed cells as what they are of `kind`; null where a cell is none.

    Examples
    --------
    >>> typed("number", pa.chunked_array([["1", "warm"]])).to_pylist()
    [1.0, None]
    """
    return _TYPES[kind][0](text)


@dataclass(frozen=True)
class _CleanColumn:
    """Typed cells, and why rows are refused or flagged for them; only reasons that some row has."""

    values: pa.ChunkedArray
    faults: dict[Reason, Flags] = field(default_factory=dict)
    flagged: dict[Reason, Flags] = field(default_factory=dict)


@dataclass(frozen=True)
class _Faults:
    """The first fault of every row: index of its column and of its reason; -1 where there is none.

    The index behind the last column stands for the row as a whole.
    """

    column: Ints
    reason: Ints


_REASONS = list(Reason)
_TYPES: dict[Kind, tuple[Callable[[pa.ChunkedArray], pa.ChunkedArray], Reason]] = {
    "number": (as_numbers, Reason.NOT_A_NUMBER),
    "category": (as_categories, Reason.TOO_LONG),
    "boolean": (as_booleans, Reason.NOT_A_BOOLEAN),
    "datetime": (as_datetimes, Reason.NOT_A_DATETIME),
    "text": (as_texts, Reason.TOO_LONG),
    "image": (as_images, Reason.NOT_AN_IMAGE),
}
_LONGEST: dict[Kind, int] = {"text": LONGEST_TEXT, "image": LONGEST_IMAGE}


def _clean_column(column: ColumnSchema, cells: pa.Table) -> _CleanColumn:
    if column.name not in cells.column_names:
        return _judged(column, pa.chunked_array([pa.nulls(cells.num_rows, ARROW_TYPES[column.kind])]), {})
    raw = cells.column(column.name)
    numbers = _quickly_typed(column, raw)
    if numbers is not None:
        return _judged(column, numbers, {})
    text = trimmed(raw)
    convert, reason = _TYPES[column.kind]
    short = pc.fill_null(pc.less_equal(pc.utf8_length(text), _LONGEST.get(column.kind, LONGEST_CELL)), True)
    values = convert(pc.if_else(short, text, pa.scalar(None, pa.string())))
    return _judged(
        column,
        values,
        {Reason.TOO_LONG: pc.invert(short), reason: pc.and_(text.is_valid(), values.is_null())},
    )


def _judged(
    column: ColumnSchema, values: pa.ChunkedArray, untyped: dict[Reason, pa.ChunkedArray]
) -> _CleanColumn:
    """Judge typed cells; `untyped` says which ones could not be typed."""
    if column.role == "ignored":
        return _CleanColumn(values)
    faults, found = _some(untyped), _some(_broken_rules(column, values))
    if column.role == "feature" and column.rules.severity == "flag":
        return _CleanColumn(values, faults, found)
    return _CleanColumn(values, faults | found)


def _broken_rules(column: ColumnSchema, values: pa.ChunkedArray) -> dict[Reason, pa.ChunkedArray]:
    rules, found = column.rules, {}
    if column.role != "feature" or rules.nullable is False:
        found[Reason.MISSING] = values.is_null()
    if column.allowed is not None:
        known = pc.is_in(values, value_set=pa.array(column.allowed, pa.string()))
        reason = Reason.UNKNOWN_LABEL if column.role == "target" else Reason.UNKNOWN_CATEGORY
        found[reason] = pc.and_(values.is_valid(), pc.invert(known))
    for limit, beyond in ((rules.min, pc.less), (rules.max, pc.greater)):
        if limit is not None:
            outside = pc.fill_null(beyond(values, limit), False)
            found[Reason.OUT_OF_RANGE] = pc.or_(found.get(Reason.OUT_OF_RANGE, outside), outside)
    return found


def _some(found: dict[Reason, pa.ChunkedArray]) -> dict[Reason, Flags]:
    return {reason: as_flags(flags) for reason, flags in found.items() if pc.any(flags).as_py()}


def _quickly_typed(column: ColumnSchema, raw: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a feature's numbers if every cell is one as it stands: trimming would change nothing."""
    if column.kind != "number" or column.role != "feature":
        return None
    try:
        numbers = pc.cast(raw, pa.float64())
    except pa.ArrowInvalid:
        return None
    return numbers if pc.all(pc.is_finite(numbers)).as_py() else None


def _flagged(columns: dict[str, _CleanColumn], kept: Flags | None = None) -> Counter[tuple[str, Reason]]:
    found: Counter[tuple[str, Reason]] = Counter()
    for name, column in columns.items():
        for reason, flags in column.flagged.items():
            found[name, reason] = int((flags if kept is None else flags & kept).sum())
    return +found


def _first_faults(columns: dict[str, _CleanColumn], rows: int, dropped: Flags | None) -> _Faults:
    found = _Faults(np.full(rows, -1, dtype=np.int64), np.full(rows, -1, dtype=np.int64))
    if dropped is not None:
        found.column[dropped] = len(columns)
        found.reason[dropped] = _REASONS.index(Reason.FILTERED)
    for index, column in enumerate(columns.values()):
        for reason, flags in column.faults.items():
            fresh = flags & (found.column < 0)
            found.column[fresh] = index
            found.reason[fresh] = _REASONS.index(reason)
    return found


def _rejections(fault: _Faults, table: TextTable, names: list[str]) -> Rejections:
    bad = np.flatnonzero(fault.column >= 0)
    classes = np.full(len(bad), "text", dtype=object)
    for index in np.unique(fault.column[bad]):
        here = fault.column[bad] == index
        name = names[index] if index < len(names) else None
        if name is None:
            classes[here] = "row"
        elif name in table.cells.column_names:
            classes[here] = value_classes(table.cells.column(name).take(pa.array(bad[here])))
    broken = np.fromiter(table.broken, dtype=np.int64)
    rows = np.concatenate([table.row_numbers[bad], broken])
    order = np.argsort(rows, kind="stable")
    nowhere = np.full(len(broken), None, dtype=object)
    return Rejections(
        rows[order],
        np.concatenate([np.array([*names, None], dtype=object)[fault.column[bad]], nowhere])[order],
        _as_objects(
            np.concatenate([fault.reason[bad], np.full(len(broken), _REASONS.index(Reason.BROKEN_ROW))])
        )[order],
        np.concatenate([classes, np.full(len(broken), "row", dtype=object)])[order],
    )


def _as_objects(reasons: Ints) -> Labels:
    """Return reasons by their index; numpy would make plain text of a ``StrEnum``."""
    found = np.empty(len(_REASONS), dtype=object)
    found[:] = _REASONS
    return found[reasons]
