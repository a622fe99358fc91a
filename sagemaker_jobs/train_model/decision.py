"""Chooses from which probability on a new model answers the positive label."""

from __future__ import annotations

from pathlib import Path

from headrace.config.evaluation import Threshold
from headrace.ml.arrays import Floats
from headrace.ml.evaluation.threshold import ThresholdError, ThresholdRule, choose_threshold
from headrace.ml.metrics import Predictions
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.model_folder import THRESHOLD, write_json
from sagemaker_jobs.parts import Part
from sagemaker_jobs.spec import Spec


def with_chosen_threshold(
    model: Predictor, validation: Part, answers: Floats, spec: Spec, folder: Path
) -> Predictor:
    """Return the model with the threshold that the pipeline file asks for, and write ``threshold.json``; as it is, if it asks for none.

    `answers` are the model's to the validation rows.

    Raises
    ------
    JobError
        If there are no validation rows, or no threshold can be chosen on them.
    """
    block = spec.pipeline.evaluation.threshold
    if block is None:
        return model
    if not validation.rows:
        raise JobError("evaluation.threshold is chosen on the validation part, which has no rows")
    try:
        predictions = Predictions(validation.target, answers, model.classes, model.threshold)
        chosen = choose_threshold(predictions, rule_of(block), spec.pipeline.training.seed)
    except ThresholdError as error:
        raise JobError(f"evaluation.threshold: {error}") from None
    write_json(folder / THRESHOLD, {"by": block.by, **chosen.as_dict()})
    low, high = chosen.limits or (float("nan"), float("nan"))
    print(  # noqa: T201 - the job's log
        f"The second label is answered from a probability of {chosen.value:.4g} on, chosen by {block.by} on "
        f"{chosen.rows} validation rows (95 %: {low:.4g} to {high:.4g})."
    )
    return model.with_threshold(chosen.value)


def rule_of(block: Threshold) -> ThresholdRule:
    """Return what the pipeline file asks for."""
    given = block.model_dump(exclude_none=True)
    return ThresholdRule(**given)
