"""Measures on which columns the answers of a new model rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from headrace.ml.evidence.importance import Effort, HeldOut, permutation_importance
from sagemaker_jobs.engines import ONNX_FILE
from sagemaker_jobs.evidence.job import Trained
from sagemaker_jobs.machine import processors
from sagemaker_jobs.model_folder import MODEL

_MOST_ANSWERS, _FEWEST_ANSWERS = 200_000, 20_000
_ANSWERS_OF_A_MB = 100_000
"""A model of 1 MB is asked 100,000 times, a larger one less often: time grows with its size."""


def importance_of(trained: Trained, folder: Path) -> dict[str, Any]:
    """Return ``metric``, ``rows``, ``repeats`` and, by column, ``feature``, ``mean``, ``low``, ``high``, the largest first."""
    metric, held_out = trained.spec.pipeline.metric, trained.held_out
    budget = _budget(folder)
    columns = {column.name: held_out.columns[column.name] for column in trained.spec.schema}
    with threadpool_limits(1):
        found = permutation_importance(
            trained.served.predict,
            trained.recipe.problem,
            metric,
            HeldOut(columns, held_out.target, trained.served.classes, trained.served.threshold),
            budget=budget,
            seed=trained.recipe.seed,
            threads=processors(),
        )
    effort = Effort.within(budget, len(columns), held_out.rows)
    return {
        "metric": metric,
        "rows": effort.rows,
        "repeats": effort.repeats,
        "features": [each.as_dict() for each in found],
    }


def _budget(folder: Path) -> int:
    """Return how many answers may be asked for: by the size of what answers, so that it is the same on every machine."""
    graph = folder / ONNX_FILE
    size = (graph if graph.is_file() else folder / MODEL).stat().st_size
    return int(min(_MOST_ANSWERS, max(_FEWEST_ANSWERS, _ANSWERS_OF_A_MB * 2**20 / max(1, size))))
