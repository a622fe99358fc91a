"""From what the pipeline file says to the steps of a model."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from headrace.config.estimators import NETWORKS
from headrace.config.features import Features as FeaturesBlock
from headrace.config.features import OwnStep as OwnStepBlock
from headrace.ml.contract import ColumnSchema
from sagemaker_jobs.features.feature_pipeline import FeaturePipeline
from sagemaker_jobs.features.own_step import OwnStep
from sagemaker_jobs.features.registry import check_parameters, find_step
from sagemaker_jobs.features.step import Step
from sagemaker_jobs.learners.registry import find_learner

_CONDENSED = 100
_STREAMED = ("sgd",)


def plan_features(
    block: FeaturesBlock, schema: Sequence[ColumnSchema], estimator: str, seed: int
) -> FeaturePipeline | None:
    """Return the steps that come before the encoder, or None if there are none.

    Texts and images that no step takes are read by ``tfidf`` (``hashing`` if the rows are read piece by piece, ``tokens`` by
    networks) and ``pixels``; learners that ask for it get texts condensed.

    Raises
    ------
    JobError
        If a step or a parameter is not known.
    """
    kinds = {column.kind for column in schema}
    if not block.steps and not kinds & {"text", "image"}:
        return None
    steps, columns = [], []
    for given in block.steps:
        steps.append(_step(given, estimator, seed))
        columns.append(list(given.columns))
    if "text" in kinds:
        steps.append(_built_in(_reader_of_texts(estimator), {}, estimator, seed))
        columns.append([])
    if "image" in kinds:
        steps.append(_built_in("pixels", {}, estimator, seed))
        columns.append([])
    return FeaturePipeline([c.name for c in schema], [c.kind for c in schema], steps, columns)


def _reader_of_texts(estimator: str) -> str:
    if estimator in NETWORKS:
        return "tokens"
    return "hashing" if estimator in _STREAMED else "tfidf"


def _step(given: Any, estimator: str, seed: int) -> Step:
    if isinstance(given, OwnStepBlock):
        check_parameters(given.step, given.parameters)
        return OwnStep(given.step, dict(given.parameters), given.keep)
    return _built_in(given.step, given.model_dump(exclude={"step", "columns"}), estimator, seed)


def _built_in(name: str, parameters: dict[str, Any], estimator: str, seed: int) -> Step:
    definition = find_step(name)
    known = inspect.signature(definition).parameters
    if "seed" in known:
        parameters["seed"] = seed
    if "components" in known and parameters.get("components") is None:
        condenses = estimator not in _STREAMED and find_learner(estimator).condenses_texts
        parameters["components"] = _CONDENSED if condenses else 0
    step: Step = definition(**parameters)
    return step
