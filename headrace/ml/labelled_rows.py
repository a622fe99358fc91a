"""Predictions with their labels: how labels are added to them, and what a training gets of them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.feedback_labels import MOMENT
from headrace.ml.parts import PARTS
from headrace.ml.prediction_columns import COLUMNS
from headrace.ml.table_names import table_names

ADDED = {
    "_label": pa.string(),
    "_labelled_at": MOMENT,
    "_source": pa.string(),
    "_join": pa.string(),
    "_joined_at": MOMENT,
}
"""What a label adds to its prediction. `_join` names the join that has changed it last, `_joined_at` says when that was."""

_ROW_OF_EACH = ["_event_id", "_row"]
_STAND_INS = {"target": "_label", "id": "_entity", "time": "_time"}


@dataclass(frozen=True)
class Merged:
    """Labelled predictions of one file.

    Parameters
    ----------
    rows : pyarrow.Table
        All of them, in the order in which they were labelled first.
    new : int
        Predictions that had no label before.
    corrected : int
        Predictions whose label is another now.
    """

    rows: pa.Table
    new: int
    corrected: int

    @property
    def changed(self) -> int:
        """How many rows are not what they were."""
        return self.new + self.corrected


def labelled(predictions: pa.Table, labels: pa.Table, join: str, joined_at: datetime) -> pa.Table:
    """Return predictions with their labels; the entity is the label's where the request did not say it.

    Parameters
    ----------
    predictions, labels : pyarrow.Table
        Equally long.
    join : str
        Which join it is.
    joined_at : datetime
        When it began, in UTC.
    """
    count = predictions.num_rows
    place = predictions.column_names.index("_entity")
    entity = pc.coalesce(pc.cast(predictions.column(place), pa.string()), labels.column("entity"))
    predictions = predictions.set_column(place, "_entity", entity)
    added = [
        labels.column("label"),
        labels.column("labelled_at"),
        labels.column("source"),
        pa.repeat(pa.scalar(join, pa.string()), count),
        pa.repeat(pa.scalar(joined_at.replace(tzinfo=None), MOMENT), count),
    ]
    for (name, kind), values in zip(ADDED.items(), added, strict=True):
        predictions = predictions.append_column(pa.field(name, kind), values)
    return predictions


def merged(before: pa.Table | None, fresh: pa.Table) -> Merged:
    """Add labelled predictions to those that were labelled before: of two labels the later one counts.

    The same label once more changes nothing but, if it was given later, the time: a correction in between does not win
    over it. A join that is done a second time therefore leaves everything as the first one did.

    Parameters
    ----------
    before, fresh : pyarrow.Table
        What :func:`labelled` returns, each prediction once or, in `fresh`, with labels of several entities' moments.

    Examples
    --------
    >>> from datetime import datetime
    >>> row = {"_event_id": "e1", "_row": 0, "_label": "1", "_labelled_at": datetime(2026, 1, 1), "_join": "a"}
    >>> first = merged(None, pa.Table.from_pylist([row]))
    >>> late = {**row, "_label": "0", "_labelled_at": datetime(2025, 12, 31), "_join": "b"}
    >>> correction = {**row, "_label": "0", "_labelled_at": datetime(2026, 1, 2), "_join": "c"}
    >>> [(each.new, each.corrected) for each in (first, merged(first.rows, pa.Table.from_pylist([late])))]
    [(1, 0), (0, 0)]
    >>> merged(first.rows, pa.Table.from_pylist([late, correction])).rows.column("_join").to_pylist()
    ['c']
    """
    if before is None:
        before = fresh.slice(0, 0)
    both = pa.concat_tables([before, fresh], promote_options="default")
    frame = both.select([*_ROW_OF_EACH, "_label", "_labelled_at"]).to_pandas()
    frame["group"] = frame.groupby(_ROW_OF_EACH, sort=False).ngroup()
    order = frame.sort_values("_labelled_at", kind="stable")
    last = order.drop_duplicates("group", keep="last").sort_values("group")
    chosen = last.index.to_numpy()
    old = before.num_rows
    first = frame.drop_duplicates("group", keep="first")["_label"]
    was_there = first.index.to_numpy() < old
    same = last["_label"].to_numpy() == first.to_numpy()
    kept = np.where(was_there & same, first.index.to_numpy(), chosen)
    rows = both.take(pa.array(kept))
    # The time may be that of the same label once more.
    place = rows.column_names.index("_labelled_at")
    rows = rows.set_column(
        place, rows.schema.field(place), both.column("_labelled_at").take(pa.array(chosen))
    )
    return Merged(rows, int((~was_there).sum()), int((was_there & ~same).sum()))


@dataclass(frozen=True)
class TrainingRows:
    """What a training can learn of labelled predictions.

    Parameters
    ----------
    rows : pyarrow.Table or None
        Columns as files have them, their cells as text; None if there are none.
    without_id : int
        Rows that were left out because nobody knows their id.
    why_not : str
        Why there are none at all, if there are none.
    """

    rows: pa.Table | None
    without_id: int = 0
    why_not: str = ""


def training_rows(rows: pa.Table, contract: Contract) -> TrainingRows:
    """Return labelled predictions as a file that fits the contract.

    Parameters
    ----------
    rows : pyarrow.Table
        What :func:`labelled` returns.
    contract : Contract
        What files must be.

    Returns
    -------
    TrainingRows
        The features as the model had them, the label as the target, the entity as the id, and the moment of the
        prediction as the time; all as text. A row without an entity is left out if rows have an id: it could not be told
        from the same row that comes by another way.

    Examples
    --------
    >>> from headrace.ml.contract import ColumnSchema
    >>> columns = ColumnSchema("id", "category", "id"), ColumnSchema("x", "number"), ColumnSchema("y", "number", "target")
    >>> rows = pa.table({"_entity": ["a", None], "x": [0.5, 1.5], "_label": ["3", "4"]})
    >>> found = training_rows(rows, Contract("regression", columns))
    >>> found.rows.to_pylist(), found.without_id
    ([{'id': 'a', 'x': '0.5', 'y': '3'}], 1)
    """
    if contract.steps:
        return TrainingRows(None, why_not="cleaning steps would be applied to them a second time")
    stored = table_names((each.name for each in contract.features), taken=COLUMNS)
    columns: dict[str, pa.ChunkedArray] = {}
    for column in contract.columns:
        if column.role == "ignored":
            continue
        source = _source(rows, column, stored)
        if source is None and not column.came_later:
            return TrainingRows(None, why_not=f"predictions do not have column {column.name!r}")
        columns[column.name] = pa.nulls(rows.num_rows, pa.string()) if source is None else _text(source)
    table = pa.table(columns)
    id = contract.named("id")
    known = table if id is None else table.filter(pc.is_valid(table.column(id)))
    without = table.num_rows - known.num_rows
    if not known.num_rows:
        return TrainingRows(None, without, "no request had the id column" if without else "")
    return TrainingRows(known, without)


def of_join(labelled_rows: pa.Table, join: str) -> pa.Table:
    """Return the rows that this join has changed last."""
    return labelled_rows.filter(pc.equal(labelled_rows.column("_join"), join))


def _source(rows: pa.Table, column: ColumnSchema, stored: dict[str, str]) -> pa.ChunkedArray | None:
    """Return what labelled predictions have of a column of the contract; None if nothing."""
    if column.role == "time" and column.kind != "datetime":
        return None
    if column.role == "part":
        # Traffic has no part that somebody has given it: what is known of it is learned from.
        return pa.chunked_array([pa.repeat(PARTS[0], rows.num_rows)])
    name = stored[column.name] if column.role == "feature" else _STAND_INS[column.role]
    return rows.column(name) if name in rows.column_names else None


def _text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_binary(cells.type):
        text = [cell and base64.b64encode(cell).decode() for cell in cells.to_pylist()]
        return pa.chunked_array([pa.array(text, pa.string())])
    if pa.types.is_timestamp(cells.type):
        cells = pc.cast(cells, pa.timestamp("us", "UTC"))
    return pc.cast(cells, pa.string())
