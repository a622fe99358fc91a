"""What the plots of the evaluation report are drawn from."""

from __future__ import annotations

from typing import Any

from headrace.ml.arrays import Flags, Floats
from headrace.ml.evaluation.bootstrap import better_by, resampled
from headrace.ml.evaluation.curves import curves_of
from headrace.ml.predictions import Predictions
from sagemaker_jobs.spec import Spec


def plots_of(
    spec: Spec, challenger: Predictions, champion: Predictions | None, chosen: Flags
) -> dict[str, Any]:
    """Return curves and distributions of both models on the chosen rows; nothing without rows.

    The improvement is that of the metric which decides, on the resamples of which its interval is made, too.
    """
    if not chosen.any():
        return {}
    models = {
        name: model.rows(chosen)
        for name, model in (("challenger", challenger), ("champion", champion))
        if model is not None
    }
    return curves_of(spec.pipeline.problem, models, improvement=_improvement(spec, list(models.values())))


def _improvement(spec: Spec, models: list[Predictions]) -> Floats | None:
    if len(models) == 1:
        return None
    metric = spec.pipeline.metric
    draws = resampled(spec.pipeline.problem, [metric], models, spec.pipeline.training.seed)[metric]
    return better_by(metric, draws[:, 0], draws[:, 1])
