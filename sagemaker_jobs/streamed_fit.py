"""Fits a linear model by stochastic gradient descent on batches of rows: memory does not grow with their number.

The rows are read once evenly spread (a sample for what needs all values at hand, such as medians), once in full (for what
can be counted: categories, means, deviations, labels), and once in each epoch.

References
----------
.. [1] Bottou, L. (2012). Stochastic gradient descent tricks. In: Neural Networks: Tricks of the Trade. Springer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from headrace.ml.arrays import Floats, Labels
from headrace.ml.privacy.redaction import message
from sagemaker_jobs.augmentation.rows import augment_part
from sagemaker_jobs.encoder import RowEncoder, category_counts
from sagemaker_jobs.estimators import with_mean_one
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.assembly import Assembly, plain_columns
from sagemaker_jobs.features.feature_pipeline import FeaturePipeline
from sagemaker_jobs.features.plan import plan_features
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import Part
from sagemaker_jobs.recipe import Recipe, check_hyperparameters, check_labels
from sagemaker_jobs.stream_preparation import StreamPreparation

_ROWS_OF_STOPPING = 20_000
_MOST_LEVELS = 1_000_000
_DEFAULTS: dict[str, Any] = {
    "max_iter": 20,
    "tol": 1e-4,
    "n_iter_no_change": 3,
}
_OF_REGRESSION: dict[str, Any] = {"alpha": 1e-5, "eta0": 0.05}  # scikit-learn's own are for fewer rows
_PROBABLE = ("log_loss", "modified_huber")


@dataclass
class _Counts:
    """What one pass over all rows counts."""

    levels: dict[str, Counter[Any]] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    target: StandardScaler = field(default_factory=StandardScaler)
    rows: int = 0
    weight: float = 0.0

    @property
    def mean_weight(self) -> float:
        """Of a row; 0 if rows have none."""
        return self.weight / self.rows if self.rows else 0.0

    def add(self, plain: dict[str, Any], part: Part) -> None:
        target = part.target
        self.rows += len(target)
        self.weight += 0.0 if part.weights is None else float(part.weights.sum())
        for name, counts in self.levels.items():
            counts.update(category_counts(plain[name]))
            if len(counts) > _MOST_LEVELS:
                # Such a column is a key; what came once will not be among its most frequent values.
                self.levels[name] = Counter({level: n for level, n in counts.items() if n > 1})
        if target.dtype.kind == "f":
            self.target.partial_fit(target.reshape(-1, 1))
        else:
            self.labels.update(map(str, np.unique(target)))


def fit_streamed(recipe: Recipe, stream: PartStream, sample: Part, validation: Part) -> Pipeline:
    """Fit on all rows of `stream`, in several epochs.

    An epoch reads groups of rows in any order and the rows of a batch in any order, by the seed. The weights of the epoch that
    is best on the validation rows are kept; three epochs without an improvement are the end, as are 20 epochs.

    Parameters
    ----------
    recipe : Recipe
        What to build.
    stream : PartStream
        The training rows.
    sample : Part
        Some of them, evenly spread.
    validation : Part
        Rows, or some of them, that decide when to stop; without any the last epoch's weights are kept.

    Raises
    ------
    JobError
        If a hyperparameter is unknown or refused, or the target does not fit the problem.
    """
    cls = SGDRegressor if recipe.problem == "regression" else SGDClassifier
    own = _OF_REGRESSION if recipe.problem == "regression" else {}
    parameters = {**_DEFAULTS, **own, **recipe.hyperparameters}
    check_hyperparameters(cls, parameters)
    steps, counts = _learned_steps(recipe, stream, sample)
    if recipe.problem != "regression":
        check_labels(recipe.problem, sorted(counts.labels), counts.rows)
    learner = _Learner(recipe, Pipeline(steps), _estimator(cls, parameters, recipe.seed, counts.rows), counts)
    try:
        return Pipeline([*steps, ("predict", learner.learn(stream, validation.first(_ROWS_OF_STOPPING)))])
    except (ValueError, TypeError) as error:
        raise JobError(f"{cls.__name__} cannot learn this: {message(error)}") from error


class _Learner:
    """Leads batches through the steps to the estimator, epoch by epoch."""

    def __init__(self, recipe: Recipe, steps: Pipeline, estimator: Any, counts: _Counts) -> None:
        self._recipe, self._steps, self._estimator, self._counts = recipe, steps, estimator, counts
        self._labels = sorted(counts.labels)
        self._best = (np.inf, np.empty(0), np.empty(0))

    def learn(self, stream: PartStream, validation: Part) -> Any:
        """Return the fitted estimator."""
        rng = np.random.default_rng(self._recipe.seed)
        matrix = self._steps.transform(validation.columns) if validation.rows else None
        patience, since = self._estimator.n_iter_no_change, 0
        for _ in range(self._estimator.max_iter):
            self._epoch(stream, rng)
            loss = -1.0 if matrix is None else self._loss(matrix, validation)
            better = matrix is None or loss < self._best[0] - self._estimator.tol
            since = 0 if better else since + 1
            if matrix is None or loss < self._best[0]:
                self._best = (loss, self._estimator.coef_.copy(), self._estimator.intercept_.copy())
            if since >= patience:
                break
        return self._finished()

    def _epoch(self, stream: PartStream, rng: np.random.Generator) -> None:
        classes = {"classes": np.array(self._labels)} if self._labels else {}
        for batch in stream.batches(rng):
            varied = augment_part(batch, self._recipe.features.augment, self._recipe.schema, rng)
            matrix = self._steps.transform(varied.columns)
            weights = with_mean_one(varied.weights, self._counts.mean_weight)
            self._estimator.partial_fit(matrix, self._scaled(varied.target), sample_weight=weights, **classes)

    def _scaled(self, target: Floats | Labels) -> Floats | Labels:
        """Return a regression's target with mean 0 and standard deviation 1, as the steps of the descent expect it."""
        if self._labels:
            return target
        scaled: Floats = self._counts.target.transform(target.reshape(-1, 1))[:, 0]
        return scaled

    def _loss(self, matrix: Any, validation: Part) -> float:
        target, weights = self._scaled(validation.target), with_mean_one(validation.weights)
        if not self._labels:
            return float(mean_squared_error(target, self._estimator.predict(matrix), sample_weight=weights))
        known = np.isin(target, self._labels)
        if not known.any():
            return 0.0
        answers = self._estimator.predict_proba(matrix[known])
        return float(
            log_loss(
                target[known],
                answers,
                sample_weight=None if weights is None else weights[known],
                labels=self._labels,
            )
        )

    def _finished(self) -> Any:
        """Return an estimator with the best weights, in the target's own unit, and nothing else."""
        _, coefficients, intercept = self._best
        finished = type(self._estimator)(**self._estimator.get_params())
        finished.n_features_in_ = self._estimator.n_features_in_
        if self._labels:
            finished.classes_ = self._estimator.classes_
        else:
            scaler = self._counts.target
            coefficients = coefficients * scaler.scale_[0]
            intercept = intercept * scaler.scale_[0] + scaler.mean_[0]
        finished.coef_, finished.intercept_ = coefficients, intercept
        return finished


def _estimator(cls: type[Any], parameters: dict[str, Any], seed: int, rows: int) -> Any:
    # Weights are averaged from the second epoch on: those of the first still lead far away.
    parameters = {"average": rows, **parameters}
    if cls is SGDClassifier:
        parameters = {"loss": "log_loss", **parameters}
        if parameters["loss"] not in _PROBABLE:
            probable = " or ".join(_PROBABLE)
            raise JobError(f"sgd needs a loss that gives probabilities: {probable}, not {parameters['loss']}")
    return cls(**{**parameters, "random_state": seed})


def _learned_steps(recipe: Recipe, stream: PartStream, sample: Part) -> tuple[list[tuple[str, Any]], _Counts]:
    """Return the fitted steps before the estimator, and what was counted on the way."""
    nothing = FeaturePipeline([c.name for c in recipe.schema], [c.kind for c in recipe.schema], [], [])
    planned = plan_features(recipe.features, recipe.schema, recipe.estimator, recipe.seed) or nothing
    made = planned.fit_transform(sample.columns, sample.target)
    plain, kinds = plain_columns(made)
    encoder = RowEncoder(list(plain), list(kinds.values())).fit(plain)
    prepare = StreamPreparation(encoder.is_category())
    prepare.fit(encoder.transform(plain) if plain else np.empty((sample.rows, 0)))
    counts = _Counts(levels={name: Counter() for name in encoder.categories})
    for batch in stream.batches():
        plain = plain_columns(planned.transform(batch.columns))[0]
        counts.add(plain, batch)
        if plain:
            prepare.partial_fit(encoder.transform(plain))
    encoder.learn(counts.levels, encoder.empty_)
    prepare.learn_codes([len(encoder.levels_[n]) + (n in encoder.others_) for n in encoder.categories])
    assembly = Assembly(prepare).adopt(encoder if kinds else None, made)
    return [("features", planned), ("assemble", assembly)], counts
