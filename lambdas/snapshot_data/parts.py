"""Turns curated files into the parts of one snapshot. Pure: tables in, tables out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from headrace.config.pipeline import Pipeline
from headrace.ml.arrays import Flags, Ints, Labels
from headrace.ml.contract import Contract
from headrace.ml.data_window import (
    Tally,
    Window,
    WindowRule,
    ages_digest,
    ages_of,
    in_window,
    newest,
    part_rows,
)
from headrace.ml.recency import Earlier, Marks, last_moment, mark, rule_identity
from headrace.ml.snapshot_rows import (
    SnapshotError,
    contract_kinds,
    named_rows,
    refuse_missing,
    refuse_window,
    snapshot_hash,
)
from headrace.ml.split import PARTS, SplitError, SplitRule, assign_parts, content_hash, row_hashes
from headrace.ml.stratified import Strata, carried_salt


@dataclass(frozen=True)
class Snapshot:
    """Rows dealt to parts.

    Parameters
    ----------
    content_hash : str
        64 hexadecimal digits for the rows, their kinds, the way they were dealt, and what of them is learned from,
        whatever order they came in.
    parts : dict of str to Table
        ``train``, ``validation`` and ``test``, each in an order that does not depend on arrival.
    replaced : int
        Rows for which another row with the same id stands.
    marks : ndarray of shape (n_test_rows,)
        Who has seen the rows of the test part, as `headrace.ml.recency` marks them.
    learned_upto : str, float or None
        Dealt by time: the last moment of training and validation rows.
    window : Window or None
        How the window turned out, if there is one.
    salt : int or None
        Of a stratified split.
    """

    content_hash: str
    parts: dict[str, pa.Table]
    replaced: int
    marks: Marks
    learned_upto: str | float | None = None
    window: Window | None = None
    salt: int | None = None


def deal(
    tables: Sequence[pa.Table],
    pipeline: Pipeline,
    contract: Contract,
    earlier: Earlier | None = None,
    had: Sequence[bool] = (),
) -> Snapshot:
    """Unite `tables`, oldest first, and deal their rows; columns are named and ordered as in `contract`.

    Parameters
    ----------
    earlier, had : Earlier and sequence of bool
        What the model in service was made from, and whether each of the tables was part of it.

    Raises
    ------
    SnapshotError
        If there are no rows, a column is missing, or a part that is needed stays empty.
    """
    rule, asked = rule_of(pipeline), window_of(pipeline)
    refuse_window(asked, contract, rule.time)
    united = _named(
        pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({}), contract
    )
    known = np.repeat(list(had) or [False] * len(tables), [table.num_rows for table in tables])
    rows, known = _without_replaced(united, known, pipeline)
    frame = rows.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    identity = rule_identity(rule, contract_kinds(contract))
    rule = _settled(rule, frame, earlier, identity)
    dealt = _assigned(frame, rule)
    times = frame.get(rule.time)
    learned_upto = last_moment(times[dealt != "test"]) if times is not None and rule.by == "time" else None
    marks = mark(known, times, earlier, rule_identity(rule, contract_kinds(contract)))
    ages, window = _aged(times, dealt, asked)
    dealt = in_window(dealt, ages, window)
    keys = row_hashes(frame, sorted(map(str, frame.columns)))
    order = np.argsort(keys, kind="stable")
    rows, dealt, ages = rows.take(pa.array(order)), dealt[order], ages[order]
    return Snapshot(
        content_hash=snapshot_hash(
            content_hash(frame), contract, rule, asked, ages_digest([ages]) if asked else None
        ),
        parts=_parts(rows, dealt, ages, window),
        replaced=united.num_rows - rows.num_rows,
        marks=marks[order][dealt == "test"],
        learned_upto=learned_upto,
        window=window,
        salt=rule.salt,
    )


def _settled(
    rule: SplitRule, frame: pd.DataFrame, earlier: Earlier | None, identity: Mapping[str, Any]
) -> SplitRule:
    """Return a stratified rule with its salt: that of the model in service, or the best one."""
    if rule.by != "stratified":
        return rule
    salt = carried_salt(earlier.rule if earlier else None, identity)
    return replace(rule, salt=Strata.of(frame, rule).best(rule) if salt is None else salt)


def _assigned(frame: pd.DataFrame, rule: SplitRule) -> Labels:
    try:
        return assign_parts(frame, rule)
    except SplitError as error:
        raise SnapshotError(str(error)) from None


def _parts(rows: pa.Table, dealt: Labels, ages: Ints, window: Window | None) -> dict[str, pa.Table]:
    parts = {part: part_rows(rows, dealt, ages, window, part) for part in PARTS}
    if empty := [part for part in ("train", "test") if not parts[part].num_rows]:
        raise SnapshotError(f"{rows.num_rows} rows leave the part {' and '.join(empty)} empty")
    return parts


def _aged(times: pd.Series | None, dealt: Labels, rule: WindowRule | None) -> tuple[Ints, Window | None]:
    """Return how old every row is, in the order of acceptance, and what becomes of the window."""
    training = dealt == "train"
    now = newest(times[training]) if rule and rule.unit == "days" and times is not None else None
    ages = ages_of(times, dealt, rule, now)
    return ages, None if rule is None else Window.judged(rule, Tally.of(ages[training], rule))


def _named(table: pa.Table, contract: Contract) -> pa.Table:
    if not table.num_rows:
        raise SnapshotError("the curated files have no rows")
    rows, missing = named_rows(table, contract)
    refuse_missing(missing)
    return rows


def _without_replaced(table: pa.Table, known: Flags, pipeline: Pipeline) -> tuple[pa.Table, Flags]:
    """Keep the newest row of every id, or the oldest; it is known if any row with its id is."""
    if pipeline.id is None or pipeline.id not in table.column_names:
        return table, known
    kept: Literal["last", "first"] = "last" if pipeline.cleaning.same_id == "newest" else "first"
    ids = table.column(pipeline.id).to_pandas()
    stands = ~ids.duplicated(keep=kept).to_numpy()
    return table.filter(pa.array(stands)), ids.isin(ids[known]).to_numpy()[stands]


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
        column=split.column,
    )


def window_of(pipeline: Pipeline) -> WindowRule | None:
    """Return which rows a pipeline learns from; None if all."""
    block = pipeline.retraining.data
    if block.use == "all" or block.reach is None:
        return None
    unit, reach = block.reach
    return WindowRule(block.use, unit, reach, block.min_rows)
