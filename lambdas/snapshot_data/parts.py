"""Turns curated files into the parts of one snapshot. Pure: tables in, tables out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
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
        Rows that a newer row with the same id has replaced.
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
    rows = _without_replaced(united, pipeline.id)
    frame = rows.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    order = np.argsort(row_hashes(frame, sorted(map(str, frame.columns))), kind="stable")
    rows, frame = rows.take(pa.array(order)), frame.iloc[order]
    rule = _rule(pipeline)
    dealt = assign_parts(frame, rule)
    parts = {part: rows.filter(pa.array(dealt == part)) for part in PARTS}
    empty = [part for part in ("train", "test") if not parts[part].num_rows]
    if empty:
        raise SnapshotError(f"{rows.num_rows} rows leave the part {' and '.join(empty)} empty")
    identity = json.dumps([content_hash(frame), contract.as_dict(), asdict(rule)], sort_keys=True)
    return Snapshot(
        content_hash=hashlib.sha256(identity.encode()).hexdigest(),
        parts=parts,
        replaced=united.num_rows - rows.num_rows,
    )


def _named(table: pa.Table, contract: Contract) -> pa.Table:
    """Give the columns of the catalogue the names that they have in the files."""
    names = contract.table_names
    if not table.num_rows:
        raise SnapshotError("the curated files have no rows")
    if missing := set(names.values()) - set(table.column_names):
        raise SnapshotError(f"the curated files have no column {', '.join(sorted(missing))}")
    return table.select(list(names.values())).rename_columns(list(names))


def _without_replaced(table: pa.Table, id_column: str | None) -> pa.Table:
    """Keep the newest row of every id."""
    if id_column is None or id_column not in table.column_names:
        return table
    newest = ~table.column(id_column).to_pandas().duplicated(keep="last")
    return table.filter(pa.array(newest))


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
