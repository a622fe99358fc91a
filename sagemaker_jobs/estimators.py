"""Builds the scikit-learn pipeline from raw row to prediction, and fits it."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from headrace.ml.arrays import Floats
from headrace.ml.contract import ColumnSchema, Problem
from sagemaker_jobs.encoder import RowEncoder
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.parts import Part

_ROWS_FOR_EARLY_STOPPING = 200
_CELLS_FOR_THREADS = 5_000_000

_DEFAULTS: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 500, "n_iter_no_change": 20},
    "random_forest": {"n_estimators": 200, "min_samples_leaf": 2},
    "linear": {},
}
_WITHOUT_EARLY_STOPPING = {"early_stopping": False, "max_iter": 100}

_CLASSES: dict[tuple[str, bool], type[Any]] = {
    ("hist_gradient_boosting", True): HistGradientBoostingRegressor,
    ("hist_gradient_boosting", False): HistGradientBoostingClassifier,
    ("random_forest", True): RandomForestRegressor,
    ("random_forest", False): RandomForestClassifier,
    ("linear", True): Ridge,
    ("linear", False): LogisticRegression,
}
_LINEAR_CLASSIFIER = {"max_iter": 1000}


@dataclass(frozen=True)
class Recipe:
    """What to build.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    estimator : {"hist_gradient_boosting", "random_forest", "linear"}
        What learns.
    schema : tuple of ColumnSchema
        The features.
    seed : int
        Of everything random.
    hyperparameters : mapping
        The estimator's own, by scikit-learn's names; text is read as JSON, Python's True, False and None too.
    """

    problem: Problem
    estimator: str
    schema: tuple[ColumnSchema, ...]
    seed: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


def fit(recipe: Recipe, train: Part, validation: Part) -> Pipeline:
    """Build and fit the pipeline.

    Gradient boosting stops when the validation rows have not become better for 20 trees; with fewer than 200 of them it
    grows 100 trees. The number of processors does not change the result.

    Raises
    ------
    JobError
        If a hyperparameter is unknown or refused, or the target does not fit the problem.
    """
    _check_target(recipe.problem, train)
    encoder = RowEncoder([c.name for c in recipe.schema], [c.kind for c in recipe.schema])
    matrix = encoder.fit_transform(train.columns)
    stopping = recipe.estimator == "hist_gradient_boosting" and validation.rows >= _ROWS_FOR_EARLY_STOPPING
    estimator = _estimator(recipe, encoder, stopping)
    steps: list[tuple[str, Any]] = [("encode", encoder)]
    if recipe.estimator != "hist_gradient_boosting":
        prepare = _preparation(recipe.estimator, encoder.is_category())
        matrix = prepare.fit_transform(matrix)
        steps.append(("prepare", prepare))
    extra = _validation_arguments(estimator, encoder, validation) if stopping else {}
    try:
        with threadpool_limits(_processors() if matrix.size >= _CELLS_FOR_THREADS else 1):
            estimator.fit(matrix, train.target, **extra)
    except (ValueError, TypeError) as error:
        raise JobError(f"{type(estimator).__name__} cannot learn this: {error}") from error
    if hasattr(estimator, "n_jobs"):
        # In answering, threads would add up in another order each time.
        estimator.set_params(n_jobs=1)
    return Pipeline([*steps, ("predict", estimator)])


def read_hyperparameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return hyperparameters as values; SageMaker passes all as text, and its own among them.

    Examples
    --------
    >>> read_hyperparameters({"max_iter": "200", "early_stopping": "False", "loss": "poisson", "sagemaker_region": '"x"'})
    {'max_iter': 200, 'early_stopping': False, 'loss': 'poisson'}
    """
    return {name: _value(value) for name, value in given.items() if not name.startswith("sagemaker_")}


def _value(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    words = {"True": True, "False": False, "None": None}
    if given in words:
        return words[given]
    try:
        return json.loads(given)
    except ValueError:
        return given


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_target(problem: Problem, train: Part) -> None:
    if problem == "regression":
        return
    labels = sorted(set(train.target))
    if len(labels) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise JobError(f"all {train.rows} training rows have the same label, so there is nothing to learn")
    if problem == "binary" and len(labels) > 2:  # noqa: PLR2004
        raise JobError(f"the target has {len(labels)} labels; `problem: binary` allows two, multiclass more")


def _estimator(recipe: Recipe, encoder: RowEncoder, stopping: bool) -> Any:
    cls = _CLASSES[recipe.estimator, recipe.problem == "regression"]
    parameters = {**_DEFAULTS[recipe.estimator], "random_state": recipe.seed}
    if recipe.estimator == "hist_gradient_boosting":
        parameters["categorical_features"] = encoder.is_category() if any(encoder.is_category()) else None
        parameters |= {"early_stopping": True} if stopping else _WITHOUT_EARLY_STOPPING
    elif recipe.estimator == "random_forest":
        parameters["n_jobs"] = _processors()
    elif cls is LogisticRegression:
        parameters |= _LINEAR_CLASSIFIER
    known = sorted(cls().get_params())
    if unknown := sorted(set(recipe.hyperparameters) - set(known)):
        raise JobError(
            f"{cls.__name__} has no hyperparameter {', '.join(unknown)}; it has {', '.join(known)}"
        )
    return cls(**{**parameters, **recipe.hyperparameters})


def _preparation(estimator: str, is_category: Sequence[bool]) -> ColumnTransformer:
    """Return what makes the encoder's matrix fit for an estimator that knows neither categories nor missing cells."""
    numbers = [index for index, category in enumerate(is_category) if not category]
    categories = [index for index, category in enumerate(is_category) if category]
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    prepare = make_pipeline(imputer, StandardScaler()) if estimator == "linear" else imputer
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", prepare, numbers), ("categories", one_hot, categories)])


def _validation_arguments(estimator: Any, encoder: RowEncoder, validation: Part) -> dict[str, Floats]:
    """Return the rows that decide when to stop. Before 1.7 scikit-learn takes a tenth of the training rows instead."""
    if "X_val" not in inspect.signature(estimator.fit).parameters:
        return {}
    if estimator.early_stopping is False:
        return {}
    return {"X_val": encoder.transform(validation.columns), "y_val": validation.target}
