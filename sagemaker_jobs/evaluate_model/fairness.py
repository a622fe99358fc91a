"""Compares groups of rows of the test part by columns that the model may not even see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.arrays import Flags, Labels
from headrace.ml.column_schema import ColumnSchema
from headrace.ml.evaluation.fairness import compare_groups
from headrace.ml.metrics import Predictions
from headrace.ml.quality.segments import Segmentation
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.group_columns import group_columns
from sagemaker_jobs.parts import typed_columns
from sagemaker_jobs.spec import Spec


def fairness_of(spec: Spec, test: Path, answers: Predictions, chosen: Flags) -> dict[str, Any]:
    """Return by column how the groups of some rows are treated; empty if the pipeline file names none.

    Parameters
    ----------
    spec : Spec
        What is compared.
    test : Path
        Folder of the test part.
    answers : Predictions
        The model's, to all its rows, in the order of the files.
    chosen : ndarray of shape (n_rows,)
        Which rows count.

    Raises
    ------
    JobError
        If a column makes no groups, or the rows do not have it.
    """
    block, columns = spec.pipeline.evaluation.fairness, group_columns(spec)
    if block is None or not chosen.any():
        return {}
    model, found = answers.rows(chosen), {}
    for column in columns:
        names = Segmentation(column.kind, block.edges.get(column.name, ())).names_of(_cells(test, column))
        found[column.name] = compare_groups(
            spec.pipeline.problem,
            model,
            names[chosen],
            min_rows=block.min_rows,
            seed=spec.pipeline.training.seed,
        )
    return found


def _cells(test: Path, column: ColumnSchema) -> Labels:
    """Return one column of the test part, in the order of its files."""
    files = sorted(test.rglob("*.parquet"))
    try:
        tables = [pq.read_table(file, columns=[column.name], partitioning=None) for file in files]
        cells: list[Labels] = [typed_columns(table, [column])[column.name] for table in tables]
    except (pa.ArrowException, KeyError, OSError):
        raise JobError(
            f"the test part has no column {column.name!r}, which evaluation.fairness names"
        ) from None
    return np.concatenate(cells)
