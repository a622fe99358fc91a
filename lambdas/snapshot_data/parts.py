"""Turns curated files into the parts of one snapshot. Pure: tables in, tables out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
from headrace.ml.snapshot_rows import SnapshotError, named_rows, refuse_missing, snapshot_hash
from headrace.ml.split import PARTS, SplitRule, assign_parts, content_hash, row_hashes


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
    rule = rule_of(pipeline)
    dealt = assign_parts(frame, rule)
    parts = {part: rows.filter(pa.array(dealt == part)) for part in PARTS}
    empty = [part for part in ("train", "test") if not parts[part].num_rows]
    if empty:
        raise SnapshotError(f"{rows.num_rows} rows leave the part {' and '.join(empty)} empty")
    return Snapshot(
        content_hash=snapshot_hash(content_hash(frame), contract, rule),
        parts=parts,
        replaced=united.num_rows - rows.num_rows,
    )


def _named(table: pa.Table, contract: Contract) -> pa.Table:
    if not table.num_rows:
        raise SnapshotError("the curated files have no rows")
    rows, missing = named_rows(table, contract)
    refuse_missing(missing)
    return rows


def _without_replaced(table: pa.Table, pipeline: Pipeline) -> pa.Table:
    """Keep the newest row of every id, or the oldest."""
    if pipeline.id is None or pipeline.id not in table.column_names:
        return table
    kept: Literal["last", "first"] = "last" if pipeline.cleaning.same_id == "newest" else "first"
    return table.filter(pa.array(~table.column(pipeline.id).to_pandas().duplicated(keep=kept)))


def rule_of(pipeline: Pipeline) -> SplitRule:
    """Return how a pipeline deals its rows."""
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
