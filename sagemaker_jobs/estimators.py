"""Builds the scikit-learn pipeline from raw row to prediction, and fits it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
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
from sagemaker_jobs.encoder import RowEncoder
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.assembly import Assembly
from sagemaker_jobs.features.plan import plan_features
from sagemaker_jobs.features.step import READY
from sagemaker_jobs.features.step import Features as FeatureColumns
from sagemaker_jobs.machine import processors
from sagemaker_jobs.parts import Part
from sagemaker_jobs.recipe import Recipe, check_hyperparameters, check_labels

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


def fit(recipe: Recipe, train: Part, validation: Part) -> Pipeline:
    """Build and fit the pipeline.

    Gradient boosting stops when the validation rows have not become better for 20 trees; with fewer than 200 of them it
    grows 100 trees. The number of processors does not change the result. Rows with weights count by them, in learning and in
    when to stop; the steps before the estimator learn from all rows alike.

    Raises
    ------
    JobError
        If a step or a hyperparameter is unknown or refused, or the target does not fit the problem.
    """
    if recipe.problem != "regression":
        check_labels(recipe.problem, sorted(set(train.target)), train.rows)
    steps, matrix, is_category = _fitted_features(recipe, train)
    stopping = recipe.estimator == "hist_gradient_boosting" and validation.rows >= _ROWS_FOR_EARLY_STOPPING
    estimator = _estimator(recipe, is_category, stopping)
    extra = _validation_arguments(estimator, steps, validation) if stopping else {}
    try:
        with threadpool_limits(processors() if matrix.size >= _CELLS_FOR_THREADS else 1):
            estimator.fit(matrix, train.target, sample_weight=with_mean_one(train.weights), **extra)
    except (ValueError, TypeError) as error:
        raise JobError(f"{type(estimator).__name__} cannot learn this: {error}") from error
    if hasattr(estimator, "n_jobs"):
        # In answering, threads would add up in another order each time.
        estimator.set_params(n_jobs=1)
    return Pipeline([*steps, ("predict", estimator)])


def _fitted_features(recipe: Recipe, train: Part) -> tuple[list[tuple[str, Any]], Any, list[bool]]:
    """Return what comes before the estimator, its matrix of the training rows, and which columns hold categories."""
    planned = plan_features(recipe.features, recipe.schema, recipe.estimator, recipe.seed)
    knows_categories = recipe.estimator == "hist_gradient_boosting"
    if planned is None:
        encoder = RowEncoder([c.name for c in recipe.schema], [c.kind for c in recipe.schema])
        matrix = encoder.fit_transform(train.columns)
        if knows_categories:
            return [("encode", encoder)], matrix, encoder.is_category()
        prepare = _preparation(recipe.estimator, encoder.is_category())
        return [("encode", encoder), ("prepare", prepare)], prepare.fit_transform(matrix), []
    made = planned.fit_transform(train.columns, train.target)
    assembly = Assembly(None if knows_categories else _preparation_of(recipe.estimator, made))
    matrix = assembly.fit_transform(made)
    return [("features", planned), ("assemble", assembly)], matrix, assembly.is_category()


def _estimator(recipe: Recipe, is_category: list[bool], stopping: bool) -> Any:
    cls = _CLASSES[recipe.estimator, recipe.problem == "regression"]
    parameters = {**_DEFAULTS[recipe.estimator], "random_state": recipe.seed}
    if recipe.estimator == "hist_gradient_boosting":
        parameters["categorical_features"] = is_category if any(is_category) else None
        parameters |= {"early_stopping": True} if stopping else _WITHOUT_EARLY_STOPPING
    elif recipe.estimator == "random_forest":
        parameters["n_jobs"] = processors()
    elif cls is LogisticRegression:
        parameters |= _LINEAR_CLASSIFIER
    check_hyperparameters(cls, recipe.hyperparameters)
    return cls(**{**parameters, **recipe.hyperparameters})


def _preparation(estimator: str, is_category: Sequence[bool]) -> ColumnTransformer:
    """Return what makes the encoder's matrix fit for an estimator that knows neither categories nor missing cells."""
    numbers = [index for index, category in enumerate(is_category) if not category]
    categories = [index for index, category in enumerate(is_category) if category]
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    prepare = make_pipeline(imputer, StandardScaler()) if estimator == "linear" else imputer
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", prepare, numbers), ("categories", one_hot, categories)])


def _preparation_of(estimator: str, made: FeatureColumns) -> ColumnTransformer:
    """Return the same for the columns that no step has made ready."""
    plain = {name: feature.kind for name, feature in made.items() if feature.kind != READY}
    return _preparation(estimator, RowEncoder(list(plain), list(plain.values())).is_category())


def _validation_arguments(
    estimator: Any, steps: list[tuple[str, Any]], validation: Part
) -> dict[str, Floats]:
    """Return the rows that decide when to stop. Before 1.7 scikit-learn takes a tenth of the training rows instead."""
    if "X_val" not in inspect.signature(estimator.fit).parameters:
        return {}
    if estimator.early_stopping is False:
        return {}
    arguments = {"X_val": Pipeline(steps).transform(validation.columns), "y_val": validation.target}
    weights = with_mean_one(validation.weights)
    return arguments if weights is None else {**arguments, "sample_weight_val": weights}


def with_mean_one(weights: Floats | None, mean: float | None = None) -> Floats | None:
    """Return weights divided by their mean, or by `mean`; None without weights, or if all are 0.

    Penalties, such as ridge's alpha, are then as strong as without weights.
    """
    if weights is None:
        return None
    divisor = float(weights.mean()) if mean is None else mean
    return weights / divisor if divisor > 0 else None
