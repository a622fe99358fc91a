"""Fits on fewer rows, and by other estimators: what a verdict rests on beside the figures of the model itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from headrace.ml.evaluation.bootstrap import better_by, interval, resampled
from headrace.ml.evidence.row_sketch import feature_hashes
from headrace.ml.evidence.verdict import Rival, constant_answer
from headrace.ml.metrics import Predictions, measure_one
from headrace.ml.privacy.redaction import message
from headrace.ml.split import salted_positions
from sagemaker_jobs.evidence.job import Trained, refit
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.parts import Part, answer_part

MOST_ROWS = 20_000
"""Up to so many rows `auto` fits again."""

_SHARES = (1 / 4, 1 / 2)
_FEWEST_ROWS = 50
_MOST_MEASURED = 20_000
_QUICK = ("scikit-learn", "xgboost")
_SIMPLE, _RICH = "linear", "hist_gradient_boosting"
_TREES = (_RICH, "random_forest", "xgboost")
_FEWER_SALT = 77


def learning_of(trained: Trained, framework: str = "scikit-learn") -> dict[str, Any]:
    """Return what is known of how the model has learnt.

    Parameters
    ----------
    trained : Trained
        The model.
    framework : str
        That of its learner: `auto` fits again what is fitted in seconds.

    Returns
    -------
    dict
        ``constant``: what a model without features answers; ``curve``: by number of rows, the metric on them and on the
        validation rows; ``rivals``: what other estimators are worth beside it; ``rounds``: for boosting that stops early, how
        the loss went. Without further fits curve and rivals are empty.
    """
    found: dict[str, Any] = {
        "constant": constant_answer(trained.recipe.problem, trained.train.target),
        "curve": [],
        "rivals": [],
        "rounds": rounds_of(trained.model.pipeline.steps[-1][1]),
    }
    if not _wanted(trained, framework):
        return found
    own = answer_part(trained.model, trained.validation)
    points = [*_fewer(trained), _point(trained, trained.model, trained.train)]
    rivals = [rival.as_dict() for rival in _rivals(trained, own)]
    return {**found, "curve": [point for point in points if point], "rivals": rivals}


def rounds_of(estimator: Any) -> dict[str, Any] | None:
    """Return how the loss of boosting that stops early went: best round, rounds, and losses at the best; None for others."""
    scores = getattr(estimator, "validation_score_", None)
    if scores is None or not len(scores):
        return None
    best = int(np.argmax(scores))
    train = estimator.train_score_
    at_best = float(-train[best]) if len(train) == len(scores) else None
    return {
        "best": best,
        "rounds": len(scores) - 1,
        "validation_loss": float(-scores[best]),
        "train_loss": at_best,
    }


def _wanted(trained: Trained, framework: str) -> bool:
    wanted = trained.spec.pipeline.evaluation.learning_curve
    if trained.stream is not None or trained.validation.rows < _FEWEST_ROWS or not wanted:
        return False
    return wanted is True or (trained.rows <= MOST_ROWS and framework in _QUICK)


def _fewer(trained: Trained) -> Iterator[dict[str, Any] | None]:
    """Yield models of fewer rows; the rows of a smaller one are among those of a larger one."""
    names = [column.name for column in trained.spec.schema]
    position = salted_positions(feature_hashes(trained.train.columns, names), _FEWER_SALT)
    order = np.argsort(position, kind="stable")
    for share in _SHARES:
        count = int(share * trained.train.rows)
        if count < _FEWEST_ROWS:
            continue
        chosen = np.zeros(trained.train.rows, dtype=bool)
        chosen[order[:count]] = True
        part = trained.train.chosen(chosen)
        model = _fitted(trained, trained.recipe, part)
        yield None if model is None else _point(trained, model, part)


def _fitted(trained: Trained, recipe: Any, part: Part) -> Predictor | None:
    """Return a further model; None if it cannot be, such as of rows that all have one label."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return refit(recipe, part, trained.validation)
    except (JobError, ValueError) as error:
        print(f"No further model for the learning curve: {message(error)}.")  # noqa: T201 - the job's log
        return None


def _point(trained: Trained, model: Predictor, part: Part) -> dict[str, Any] | None:
    metric, problem = trained.spec.pipeline.metric, trained.recipe.problem
    values = [
        measure_one(problem, metric, answer_part(model, each))
        for each in (part.first(_MOST_MEASURED), trained.validation)
    ]
    if not np.isfinite(values).all():
        return None
    return {"rows": part.rows, "train": values[0], "validation": values[1]}


def _rivals(trained: Trained, own: Predictions) -> Iterator[Rival]:
    """Yield an estimator that can learn less than the model, or more, whichever there is."""
    recipe = trained.recipe
    names = {_SIMPLE: True} if recipe.estimator in _TREES else {_RICH: False}
    if recipe.estimator == _RICH and recipe.hyperparameters:
        names[_RICH] = False
    for name, simpler in names.items():
        other = replace(recipe, estimator=name, hyperparameters={})
        model = _fitted(trained, other, trained.train)
        if model is None:
            continue
        theirs = answer_part(model, trained.validation)
        yield from _compared(trained, name, simpler, (theirs, own))


def _compared(
    trained: Trained, name: str, simpler: bool, models: tuple[Predictions, Predictions]
) -> Iterator[Rival]:
    metric, problem = trained.spec.pipeline.metric, trained.recipe.problem
    theirs, own = (measure_one(problem, metric, model) for model in models)
    values = resampled(problem, [metric], models, trained.recipe.seed)[metric]
    limits = interval(better_by(metric, values[:, 0], values[:, 1]))
    better = better_by(metric, theirs, own)
    if limits is not None and np.isfinite(better):
        yield Rival(name, simpler, better, limits[0], limits[1])
