"""What the makers of evidence are given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.augmentation.rows import augment_part
from sagemaker_jobs.cluster import ALONE
from sagemaker_jobs.estimators import fit
from sagemaker_jobs.model import Model, Predictor
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import Part, read_part
from sagemaker_jobs.recipe import Recipe
from sagemaker_jobs.spec import Spec


@dataclass(frozen=True)
class Trained:
    """A model that has just been trained, and all that it was made of.

    Parameters
    ----------
    spec : Spec
        What was asked for.
    recipe : Recipe
        What was built.
    model : Model
        The fitted pipeline.
    served : Predictor
        The same in the engine that serves it.
    train, held_out : Part
        Rows that it has learnt, and others; if there are no others, the same again.
    validation : Part
        Rows that decided when to stop; possibly none.
    channels : Path
        Folder with the parts as files.
    stream : PartStream or None
        All training rows, if they were read piece by piece; then `train` are some of them.
    """

    spec: Spec
    recipe: Recipe
    model: Model
    served: Predictor
    train: Part
    held_out: Part
    validation: Part
    channels: Path
    stream: PartStream | None = None

    @property
    def rows(self) -> int:
        """How many training rows there are."""
        return self.stream.rows if self.stream else self.train.rows


def refit(recipe: Recipe, train: Part, validation: Part) -> Predictor:
    """Fit once more, with the whole path from raw cells: on other rows, or with another estimator."""
    alone = replace(recipe, checkpoints=None, cluster=ALONE)
    varied = augment_part(train, recipe.features.augment, recipe.schema, np.random.default_rng(recipe.seed))
    return Model(recipe.problem, recipe.schema, fit(alone, varied, validation))


def read_with(folder: Path, spec: Spec, name: str | None) -> tuple[Part, Any]:
    """Read a part with a column that need not be a feature; return it, and the column's cells, or None without a name."""
    if name is None:
        return read_part(folder, spec), None
    if any(column.name == name for column in spec.schema):
        part = read_part(folder, spec)
        return part, part.columns[name]
    part = read_part(folder, spec, [*spec.schema, ColumnSchema(name, _kind_of(folder, name))])
    cells = part.columns.pop(name)
    return part, cells


def _kind_of(folder: Path, name: str) -> Any:
    """Return what a column is, by the type in which it is stored."""
    file = next(iter(sorted(folder.rglob("*.parquet"))))
    kind = pq.read_schema(file).field(name).type
    if pa.types.is_timestamp(kind):
        return "datetime"
    return "number" if pa.types.is_floating(kind) or pa.types.is_integer(kind) else "category"
