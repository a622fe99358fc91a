"""Reads the parts of a snapshot as typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from headrace.ml.arrays import Flags, Floats, Labels
from headrace.ml.cells import (
    as_booleans,
    as_categories,
    as_datetimes,
    as_images,
    as_numbers,
    as_texts,
    trimmed,
)
from headrace.ml.contract import ColumnSchema, Problem
from headrace.ml.data_window import AGE
from headrace.ml.metrics import Predictions
from headrace.ml.privacy.redaction import told
from headrace.ml.rows import DTYPES, Columns
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.spec import Spec

_FILES_AT_A_TIME = 4
_ROWS_FOR_THREADS = 20_000
_FROM_TEXT = {
    "number": as_numbers,
    "category": as_categories,
    "boolean": as_booleans,
    "datetime": as_datetimes,
    "text": as_texts,
    "image": as_images,
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
    weights : ndarray of shape (n_rows,) or None
        How much each row counts in learning, 1 for the newest; None if all count the same.
    """

    columns: Columns
    target: Floats | Labels
    weights: Floats | None = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.target)

    def first(self, rows: int) -> Part:
        """Return the first rows."""
        return self.chosen(slice(rows))

    def chosen(self, which: slice | Flags) -> Part:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[which]
        return Part(
            {name: values[which] for name, values in self.columns.items()}, self.target[which], weights
        )


def answer_part(predictor: Predictor, part: Part) -> Predictions:
    """Answer rows whose truth is known; few rows on one thread, because several would only wait for each other."""
    with threadpool_limits(1 if part.rows < _ROWS_FOR_THREADS else None):
        answers = predictor.predict(part.columns)
    return Predictions(part.target, answers, predictor.classes, predictor.threshold)


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
    files = PartFiles.of(folder, spec, spec.schema if schema is None else schema)
    try:
        table = files.read()
    except pa.ArrowException as error:
        raise JobError(f"the part {folder.name!r} cannot be read: {told(error)}") from None
    return files.typed(in_order_of_time(table, spec))


@dataclass(frozen=True)
class PartFiles:
    """The Parquet files of one part, of which only the columns that are needed are read.

    Parameters
    ----------
    files : tuple of Path
        In the order of their names.
    spec : Spec
        What is predicted.
    schema : sequence of ColumnSchema
        The features.
    """

    files: tuple[Path, ...]
    spec: Spec
    schema: Sequence[ColumnSchema]

    @classmethod
    def of(cls, folder: Path, spec: Spec, schema: Sequence[ColumnSchema]) -> PartFiles:
        """Find the files of a part, and check that they have the columns.

        Raises
        ------
        MissingColumnError
            If a column is missing in all of them.
        JobError
            If there is no file, or one is damaged.
        """
        files = tuple(sorted(folder.rglob("*.parquet")))
        if not files:
            raise JobError(f"the part {folder.name!r} has no Parquet file")
        part = cls(files, spec, schema)
        try:
            present = {name for file in files for name in pq.read_schema(file).names}
        except (pa.ArrowException, OSError) as error:
            raise JobError(f"the part {folder.name!r} cannot be read: {told(error)}") from None
        needed = [*(column.name for column in schema), spec.pipeline.target]
        if missing := [name for name in needed if name not in present]:
            raise MissingColumnError(folder.name, missing)
        return part

    @property
    def columns(self) -> list[str]:
        """The columns that are read: features, target, and what rows are sorted by."""
        pipeline = self.spec.pipeline
        names = [*(column.name for column in self.schema), pipeline.target, pipeline.time, pipeline.id, AGE]
        return [name for name in dict.fromkeys(names) if name is not None]

    @property
    def categories(self) -> list[str]:
        """The columns whose values come again and again: categories, and the labels."""
        pipeline = self.spec.pipeline
        labels = [] if pipeline.problem == "regression" else [pipeline.target]
        return [*(column.name for column in self.schema if column.kind == "category"), *labels]

    def read(self) -> pa.Table:
        """Read all rows, several files and columns at the same time."""
        with ThreadPoolExecutor(_FILES_AT_A_TIME) as pool:
            tables = list(pool.map(self._read_file, self.files))
        return pa.concat_tables(tables, promote_options="permissive")

    @property
    def rows(self) -> int:
        """How many there are, by the files' footers."""
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    def unpacked_bytes(self, columns: Sequence[str] | None = None) -> int:
        """Return how large `columns`, or all that are read, are without compression."""
        chosen = set(self.columns if columns is None else columns)
        return sum(_unpacked(pq.read_metadata(file), chosen) for file in self.files)

    def _read_file(self, file: Path) -> pa.Table:
        with self.open(file) as parquet:
            return parquet.read(columns=self.columns)

    def open(self, file: Path) -> pq.ParquetFile:
        """Open one file; categories come as codes into their names, which takes a fraction of the memory."""
        return pq.ParquetFile(file, read_dictionary=self.categories, pre_buffer=False)

    def typed(self, table: pa.Table) -> Part:
        """Return rows as the model reads them."""
        target = read_target(table.column(self.spec.pipeline.target), self.spec.pipeline.problem)
        return Part(typed_columns(table, self.schema), target, self._weights(table))

    def _weights(self, table: pa.Table) -> Floats | None:
        """Return how much rows count; those of the test part have no age, since metrics are not weighted."""
        rule = self.spec.window.weighted if self.spec.window else None
        if rule is None or AGE not in table.column_names:
            return None
        return rule.weights(table.column(AGE).to_numpy())


def _unpacked(footer: pq.FileMetaData, columns: set[str]) -> int:
    groups = (footer.row_group(index) for index in range(footer.num_row_groups))
    chunks = (group.column(index) for group in groups for index in range(group.num_columns))
    return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in columns)


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
    if problem != "regression":
        return _labels(cells)
    values = _converted(cells, "number")
    if values.null_count:
        raise _no_target(values.null_count)
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _labels(cells: pa.ChunkedArray) -> Labels:
    """Return labels as texts as wide as the longest that occurs. Each different one is looked at once."""
    coded = cells if pa.types.is_dictionary(cells.type) else pc.dictionary_encode(cells)
    values = _categories(coded)
    codes, names = pd.factorize(values)
    if missing := int((codes < 0).sum()):
        raise _no_target(missing)
    return np.asarray(names, dtype=str)[codes]


def _no_target(rows: int) -> JobError:
    return JobError(f"{rows} rows have no target that can be used")


def in_order_of_time(table: pa.Table, spec: Spec) -> pa.Table:
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
    if pa.types.is_dictionary(cells.type) and column.kind == "category":
        return _categories(cells)
    values = _converted(cells, column.kind)
    if column.kind == "boolean":
        values = pc.cast(values, pa.float64())
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=DTYPES[column.kind])


def _categories(cells: pa.ChunkedArray) -> Labels:
    """Return the names of coded categories; rows of one category share one text."""
    found = []
    for chunk in cells.chunks:
        names = _converted(pa.chunked_array([chunk.dictionary]), "category").to_numpy(zero_copy_only=False)
        names = np.array([*names, None], dtype=object)
        found.append(names[pc.fill_null(chunk.indices, len(names) - 1).to_numpy(zero_copy_only=False)])
    return np.concatenate(found) if found else np.empty(0, dtype=object)


def _converted(cells: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Return the cells as `kind`. A type that fits is kept; anything else goes through its text, as a file would."""
    if kind == "number" and (pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type)):
        return pc.cast(cells, pa.float64())
    if kind == "boolean" and pa.types.is_boolean(cells.type):
        return cells
    if kind == "datetime" and pa.types.is_timestamp(cells.type):
        return pc.cast(cells, pa.timestamp("us"), safe=False)
    if kind == "image" and pa.types.is_binary(cells.type):
        return cells
    return _FROM_TEXT[kind](trimmed(pc.cast(cells, pa.string())))
