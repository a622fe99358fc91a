"""Turns curated files into the parts of one snapshot. Pure: tables in, tables out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.config.pipeline import Pipeline
from headrace.ml.cleaning import ARROW_TYPES, typed
from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.split import PARTS, SplitRule, assign_parts, content_hash, row_hashes


class SnapshotError(Exception):
    """No snapshot can be made; the text says what is missing."""


@dataclass(frozen=True)
class Snapshot:
    """Rows dealt to parts.

    Parameters
    ----------
    content_hash : str
        64 hexadecimal digits for the rows, their kinds and the way they were dealt, whatever order they came in.
    parts : dict of str to Table
        ``train``, ``validation`` and ``test``, each in an order that does not depend on arrival.
    replaced : int
        Rows for which another row with the same id stands.
    """

    content_hash: str
    parts: dict[str, pa.Table]
    replaced: int


def deal(tables: Sequence[pa.Table], pipeline: Pipeline, contract: Contract) -> Snapshot:
    """Unite `tables`, oldest first, and deal their rows; columns are named and ordered as in `contract`.

    Raises
    ------
    SnapshotError
        If there are no rows, a column is missing, or a part that is needed stays empty.
    """
    united = _named(
        pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({}), contract
    )
    rows = _without_replaced(united, pipeline)
    frame = rows.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    order = np.argsort(row_hashes(frame, sorted(map(str, frame.columns))), kind="stable")
    rows, frame = rows.take(pa.array(order)), frame.iloc[order]
    rule = _rule(pipeline)
    dealt = assign_parts(frame, rule)
    parts = {part: rows.filter(pa.array(dealt == part)) for part in PARTS}
    empty = [part for part in ("train", "test") if not parts[part].num_rows]
    if empty:
        raise SnapshotError(f"{rows.num_rows} rows leave the part {' and '.join(empty)} empty")
    identity = json.dumps([content_hash(frame), described(contract), asdict(rule)], sort_keys=True)
    return Snapshot(
        content_hash=hashlib.sha256(identity.encode()).hexdigest(),
        parts=parts,
        replaced=united.num_rows - rows.num_rows,
    )


def described(contract: Contract) -> dict[str, Any]:
    """Return what a contract says of rows, without how it came about."""
    return replace(contract, version=1, changes=(), observed={}).as_dict()


def _named(table: pa.Table, contract: Contract) -> pa.Table:
    """Give the columns of the catalogue the names that they have in the files, and the kinds that they have now."""
    if not table.num_rows:
        raise SnapshotError("the curated files have no rows")
    names = contract.table_names
    columns = {column.name: _united(column, names[column.name], table) for column in contract.columns}
    if missing := sorted(names[name] for name, cells in columns.items() if cells is None):
        raise SnapshotError(f"the curated files have no column {', '.join(missing)}")
    return pa.table(columns)


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
    if column.came_later or column.role == "ignored":
        return pa.chunked_array([pa.nulls(table.num_rows, ARROW_TYPES[column.kind])])
    return None


def _without_replaced(table: pa.Table, pipeline: Pipeline) -> pa.Table:
    """Keep the newest row of every id, or the oldest."""
    if pipeline.id is None or pipeline.id not in table.column_names:
        return table
    kept: Literal["last", "first"] = "last" if pipeline.cleaning.same_id == "newest" else "first"
    return table.filter(pa.array(~table.column(pipeline.id).to_pandas().duplicated(keep=kept)))


def _rule(pipeline: Pipeline) -> SplitRule:
    split = pipeline.split
    return SplitRule(
        by=split.by,
        test_share=split.test_share,
        validation_share=split.validation_share,
        seed=split.seed,
        id=pipeline.id,
        time=pipeline.time,
        group=split.group,
        target=pipeline.target,
    )
