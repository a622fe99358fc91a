"""The columns by which groups of rows are compared: features, or columns that no model sees."""

from __future__ import annotations

from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.spec import Spec

_PLACE = "evaluation.fairness"


def group_columns(spec: Spec) -> tuple[ColumnSchema, ...]:
    """Return the columns that ``evaluation.fairness`` names; none without it.

    Raises
    ------
    JobError
        If the rows have no such column, or it makes no groups: a number without edges, a moment, a text, an image.
    """
    block = spec.pipeline.evaluation.fairness
    if block is None:
        return ()
    known = {column.name: column for column in (*spec.schema, *spec.unseen)}
    found = []
    for name in block.columns:
        column = known.get(name)
        if column is None:
            raise JobError(f"{_PLACE} names the column {name!r}, which the rows do not have")
        if column.kind == "number" and name not in block.edges:
            raise JobError(f"{_PLACE}: {name!r} is a number: name the ends of its ranges in {_PLACE}.edges")
        if column.kind not in ("number", "category", "boolean"):
            raise JobError(f"{_PLACE}: {name!r} is a {column.kind}, which makes no groups")
        if column.kind != "number" and name in block.edges:
            raise JobError(f"{_PLACE}.edges: {name!r} is a {column.kind}, which has no ranges: leave it out")
        found.append(column)
    return tuple(found)
