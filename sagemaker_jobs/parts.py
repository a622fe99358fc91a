"""Reads the parts of a snapshot as typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.ml.arrays import Floats, Labels
from headrace.ml.cells import as_booleans, as_categories, as_datetimes, as_numbers, trimmed
from headrace.ml.contract import ColumnSchema, Problem
from headrace.ml.rows import DTYPES, Columns
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.spec import Spec

_FROM_TEXT = {
    "number": as_numbers,
    "category": as_categories,
    "boolean": as_booleans,
    "datetime": as_datetimes,
}


@dataclass(frozen=True)
class Part:
    """Rows of one part, in the order of time if the pipeline names a time column.

    Parameters
    ----------
    columns : dict of str to ndarray
        The features.
    target : ndarray of shape (n_rows,)
        Numbers in a regression, labels as text otherwise.
    """

    columns: Columns
    target: Floats | Labels

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.target)

    def first(self, rows: int) -> Part:
        """Return the first rows."""
        return Part({name: values[:rows] for name, values in self.columns.items()}, self.target[:rows])


class MissingColumnError(JobError):
    """A part lacks columns that a model needs."""

    def __init__(self, part: str, names: Sequence[str]) -> None:
        super().__init__(f"the part {part!r} has no column {', '.join(map(repr, names))}")
        self.names = tuple(names)


def read_part(folder: Path, spec: Spec, schema: Sequence[ColumnSchema] | None = None) -> Part:
    """Read all Parquet files of `folder`, by the specification's schema or by that of a model.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    JobError
        If there is no file, or a target is missing.
    """
    schema = spec.schema if schema is None else schema
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise JobError(f"the part {folder.name!r} has no Parquet file")
    wanted = [column.name for column in schema] + [spec.pipeline.target]
    try:
        table = pa.concat_tables([pq.read_table(file) for file in files], promote_options="permissive")
    except pa.ArrowException as error:
        raise JobError(f"the part {folder.name!r} cannot be read: {error}") from None
    if missing := [name for name in wanted if name not in table.column_names]:
        raise MissingColumnError(folder.name, missing)
    table = _in_order_of_time(table, spec)
    target = read_target(table.column(spec.pipeline.target), spec.pipeline.problem)
    return Part(typed_columns(table, schema), target)


def typed_columns(table: pa.Table, schema: Sequence[ColumnSchema]) -> Columns:
    """Return the columns of `schema` as the model reads them."""
    return {column.name: _typed(table.column(column.name), column) for column in schema}


def read_target(cells: pa.ChunkedArray, problem: Problem) -> Floats | Labels:
    """Return what is to be predicted: numbers or labels.

    Raises
    ------
    JobError
        If a row has none.
    """
    kind = "number" if problem == "regression" else "category"
    values = _converted(cells, kind)
    if values.null_count:
        raise JobError(f"{values.null_count} rows have no target that can be used")
    dtype = np.float64 if problem == "regression" else str
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=dtype)


def _in_order_of_time(table: pa.Table, spec: Spec) -> pa.Table:
    """Sort by time, then by id: what follows each other in the world then does so here, and depends on it visibly."""
    keys = [name for name in (spec.pipeline.time, spec.pipeline.id) if name in table.column_names]
    sortable = pa.table({name: _sort_key(table.column(name)) for name in keys})
    return table.take(pc.sort_indices(sortable, [(name, "ascending") for name in keys])) if keys else table


def _sort_key(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids that are all numbers as numbers, so that 10 comes after 9."""
    if not pa.types.is_string(cells.type) and not pa.types.is_large_string(cells.type):
        return cells
    numbers = as_numbers(pc.cast(cells, pa.string()))
    return cells if numbers.null_count > cells.null_count else numbers


def _typed(cells: pa.ChunkedArray, column: ColumnSchema) -> Floats | Labels:
    values = _converted(cells, column.kind)
    if column.kind == "boolean":
        values = pc.cast(values, pa.float64())
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=DTYPES[column.kind])


def _converted(cells: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Return the cells as `kind`. A type that fits is kept; anything else goes through its text, as a file would."""
    if kind == "number" and (pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type)):
        return pc.cast(cells, pa.float64())
    if kind == "boolean" and pa.types.is_boolean(cells.type):
        return cells
    if kind == "datetime" and pa.types.is_timestamp(cells.type):
        return pc.cast(cells, pa.timestamp("us"), safe=False)
    return _FROM_TEXT[kind](trimmed(pc.cast(cells, pa.string())))
