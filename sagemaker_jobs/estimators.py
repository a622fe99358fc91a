"""Builds the pipeline from raw row to prediction, and fits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from headrace.ml.arrays import Floats
from sagemaker_jobs.encoder import RowEncoder
from sagemaker_jobs.features.assembly import Assembly
from sagemaker_jobs.features.blocks import layout_with_blocks
from sagemaker_jobs.features.plan import plan_features
from sagemaker_jobs.features.step import READY
from sagemaker_jobs.features.step import Features as FeatureColumns
from sagemaker_jobs.learners.interface import LabelledRows, Layout, Learner, Preparation, Report, Task
from sagemaker_jobs.learners.registry import find_learner
from sagemaker_jobs.parts import Part
from sagemaker_jobs.recipe import Recipe, check_labels


def silent(_step: int, _value: float) -> None:
    """Report to nobody."""


def fit(recipe: Recipe, train: Part, validation: Part, *, report: Report = silent) -> Pipeline:
    """Build and fit the pipeline.

    Rows with weights count by them, in learning and in when to stop; the steps before the estimator learn from all rows alike.

    Parameters
    ----------
    recipe : Recipe
        What to build.
    train, validation : Part
        The rows to learn from, and those that may decide when to stop.
    report : callable
        Is told the decisive metric on the validation rows as learning goes on, by learners that learn in rounds.

    Raises
    ------
    JobError
        If a step or a hyperparameter is unknown or refused, or the target does not fit the problem.
    """
    if recipe.problem != "regression":
        check_labels(recipe.problem, sorted(set(train.target)), train.rows)
    learner = find_learner(recipe.estimator)
    made = _fitted_features(recipe, learner, train)
    task = Task(
        problem=recipe.problem,
        train=LabelledRows(made.matrix, train.target, with_mean_one(train.weights)),
        validation=_validation_rows(learner, made.steps, validation),
        layout=made.layout,
        seed=recipe.seed,
        hyperparameters=recipe.hyperparameters,
        metric=recipe.metric,
        report=report,
        checkpoints=recipe.checkpoints,
        cluster=recipe.cluster,
    )
    return Pipeline([*made.steps, ("predict", learner.fit(task))])


@dataclass(frozen=True)
class _Made:
    """What comes before the estimator, and what it makes of the training rows."""

    steps: list[tuple[str, Any]]
    matrix: Any
    layout: Layout


def _fitted_features(recipe: Recipe, learner: Learner, train: Part) -> _Made:
    planned = plan_features(recipe.features, recipe.schema, recipe.estimator, recipe.seed)
    if planned is None:
        encoder = RowEncoder([c.name for c in recipe.schema], [c.kind for c in recipe.schema])
        matrix = encoder.fit_transform(train.columns)
        if learner.preparation == "none":
            return _Made([("encode", encoder)], matrix, _layout(matrix, encoder))
        prepare = _preparation(learner.preparation, encoder.is_category())
        matrix = prepare.fit_transform(matrix)
        return _Made([("encode", encoder), ("prepare", prepare)], matrix, _layout(matrix, None))
    made = planned.fit_transform(train.columns, train.target)
    as_they_are = learner.preparation == "none"
    assembly = Assembly(None if as_they_are else _preparation_of(learner.preparation, made))
    matrix = assembly.fit_transform(made)
    layout = _layout(matrix, assembly.encoder_ if as_they_are else None)
    if as_they_are:
        layout = layout_with_blocks(layout, planned.makers(), assembly.widths_)
    return _Made([("features", planned), ("assemble", assembly)], matrix, layout)


def _layout(matrix: Any, encoder: RowEncoder | None) -> Layout:
    """Return what the columns are: those of `encoder` come first, all others are numbers."""
    is_category = encoder.is_category() if encoder is not None else []
    places = [place for place, category in enumerate(is_category) if category]
    names = encoder.categories if encoder is not None else []
    levels = {
        place: len(encoder.levels_[name]) + (name in encoder.others_)
        for place, name in zip(places, names, strict=True)
        if encoder is not None
    }
    kinds = ["category" if place in levels else "number" for place in range(matrix.shape[1])]
    return Layout(tuple(kinds), levels)  # type: ignore[arg-type]  # words of a literal


def _validation_rows(learner: Learner, steps: list[tuple[str, Any]], validation: Part) -> LabelledRows | None:
    if not learner.uses_validation or not validation.rows:
        return None
    matrix = Pipeline(steps).transform(validation.columns)
    return LabelledRows(matrix, validation.target, with_mean_one(validation.weights))


def _preparation(kind: Preparation, is_category: Sequence[bool]) -> ColumnTransformer:
    """Return what makes the encoder's matrix fit for a learner that knows neither categories nor missing cells."""
    numbers = [index for index, category in enumerate(is_category) if not category]
    categories = [index for index, category in enumerate(is_category) if category]
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    prepare = make_pipeline(imputer, StandardScaler()) if kind == "scaled" else imputer
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", prepare, numbers), ("categories", one_hot, categories)])


def _preparation_of(kind: Preparation, made: FeatureColumns) -> ColumnTransformer:
    """Return the same for the columns that no step has made ready."""
    plain = {name: feature.kind for name, feature in made.items() if feature.kind != READY}
    return _preparation(kind, RowEncoder(list(plain), list(plain.values())).is_category())


def with_mean_one(weights: Floats | None, mean: float | None = None) -> Floats | None:
    """Return weights divided by their mean, or by `mean`; None without weights, or if all are 0.

    Penalties, such as ridge's alpha, are then as strong as without weights.
    """
    if weights is None:
        return None
    divisor = float(weights.mean()) if mean is None else mean
    return weights / divisor if divisor > 0 else None
