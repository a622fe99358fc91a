"""Curated rows as a snapshot has them: named as in the files, of the kinds that they have now, identified by a hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning import ARROW_TYPES, typed
from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.data_window import AGE, WindowRule
from headrace.ml.split import SplitRule

_NEWER = ("column", "salt")
"""Fields of a rule that came later: without them the hash is what it was."""


class SnapshotError(Exception):
    """No snapshot can be made; the text says what is missing."""


def named_rows(table: pa.Table, contract: Contract) -> tuple[pa.Table, frozenset[str]]:
    """Give the columns of the catalogue the names that they have in the files, and the kinds that they have now.

    Returns
    -------
    table, missing
        The columns of `contract`, in its order; and the names in the catalogue of those that were not there and should
        have been, which have no values.
    """
    names = contract.table_names
    columns, missing = {}, set()
    for column in contract.columns:
        cells = _united(column, names[column.name], table)
        if cells is None:
            missing.add(names[column.name])
        columns[column.name] = _nothing(column, table) if cells is None else cells
    return pa.table(columns), frozenset(missing)


def contract_kinds(contract: Contract) -> dict[str, str]:
    """Return the kind of every column by its name."""
    return {column.name: column.kind for column in contract.columns}


def refuse_window(window: WindowRule | None, contract: Contract, time: str | None) -> None:
    """Refuse a window that counts days of a column without dates, or a column by the name of ours; ``SnapshotError``."""
    kinds = contract_kinds(contract)
    if window is not None and window.unit == "days" and kinds.get(time or "") != "datetime":
        raise SnapshotError(
            f"retraining.data counts days, and the time column {time!r} is {kinds.get(time or '', 'not there')}: "
            "count rows instead, with last_rows or half_life_rows"
        )
    if AGE in kinds:
        raise SnapshotError(f"no column may be named {AGE!r}: rename it in the files")


def refuse_missing(missing: frozenset[str]) -> None:
    """Refuse curated files of which none has a column; ``SnapshotError`` names it."""
    if missing:
        raise SnapshotError(f"the curated files have no column {', '.join(sorted(missing))}")


def described(contract: Contract) -> dict[str, Any]:
    """Return what a contract says of rows, without how it came about."""
    return replace(contract, version=1, changes=(), observed={}).as_dict()


def snapshot_hash(
    content: str,
    contract: Contract,
    rule: SplitRule,
    window: WindowRule | None = None,
    ages: str | None = None,
) -> str:
    """Return 64 hexadecimal digits for rows, their kinds, the way they were dealt, and what of them is learned from.

    Parameters
    ----------
    content : str
        `headrace.ml.split.content_hash` of the rows.
    window, ages : WindowRule and str, optional
        What is learned from, and `headrace.ml.data_window.ages_digest` of the rows.
    """
    dealt = {name: value for name, value in asdict(rule).items() if name not in _NEWER or value is not None}
    parts = [content, described(contract), dealt]
    identity = json.dumps(parts if window is None else [*parts, asdict(window), ages], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()


def _united(column: ColumnSchema, name: str, table: pa.Table) -> pa.ChunkedArray | None:
    """Return a column's cells, those of files from before its kind changed as what it is now; None if there are none.

    Files from before a column came lack it: their rows have no value.
    """
    found = []
    if name in table.column_names:
        found.append(table.column(name))
    for former, _ in reversed(column.formerly):
        if former in table.column_names:
            text = pc.cast(table.column(former), pa.string())
            found.append(typed(column.kind, text))
    if found:
        return pc.coalesce(*found)
    return _nothing(column, table) if column.came_later or column.role == "ignored" else None


def _nothing(column: ColumnSchema, table: pa.Table) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(table.num_rows, ARROW_TYPES[column.kind])])
