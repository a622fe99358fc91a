"""The learners that come with scikit-learn."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from headrace.ml.privacy.redaction import message
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.interface import Fitted, Learner, Preparation, Task
from sagemaker_jobs.machine import processors
from sagemaker_jobs.recipe import check_hyperparameters

ROWS_FOR_EARLY_STOPPING = 200
"""Validation rows, below which none decide when to stop."""

_CELLS_FOR_THREADS = 5_000_000


class ScikitLearner(Learner):
    """Fits a class of scikit-learn. The number of processors does not change the result.

    Attributes
    ----------
    regressor, classifier : type
        Scikit-learn's classes.
    """

    framework = "scikit-learn"
    regressor: ClassVar[type[Any]]
    classifier: ClassVar[type[Any]]
    uses_validation = False

    def fit(self, task: Task) -> Fitted:
        """Learn; rows with weights count by them."""
        cls = self.regressor if task.problem == "regression" else self.classifier
        check_hyperparameters(cls, task.hyperparameters)
        estimator = cls(**{**self.parameters(task), "random_state": task.seed, **task.hyperparameters})
        extra = self.arguments(task, estimator)
        try:
            with threadpool_limits(threads_for(task)):
                estimator.fit(task.matrix, task.target, sample_weight=task.weights, **extra)
        except (ValueError, TypeError) as error:
            raise JobError(f"{cls.__name__} cannot learn this: {message(error)}") from error
        if hasattr(estimator, "n_jobs"):
            # In answering, threads would add up in another order each time.
            estimator.set_params(n_jobs=1)
        fitted: Fitted = estimator
        return fitted

    def parameters(self, task: Task) -> dict[str, Any]:
        """Return what is not scikit-learn's default."""
        return {}

    def arguments(self, task: Task, estimator: Any) -> dict[str, Any]:
        """Return what `fit` is given beside the training rows."""
        return {}


class HistGradientBoosting(ScikitLearner):
    """Gradient boosting on histograms.

    It stops when the validation rows have not become better for 20 trees; with fewer than 200 of them it grows 100 trees.
    """

    name = "hist_gradient_boosting"
    uses_validation = True
    regressor: ClassVar[type[Any]] = HistGradientBoostingRegressor
    classifier: ClassVar[type[Any]] = HistGradientBoostingClassifier

    def parameters(self, task: Task) -> dict[str, Any]:
        """Return what is not scikit-learn's default."""
        is_category = [kind == "category" for kind in task.layout.kinds]
        return {
            "n_iter_no_change": 20,
            "categorical_features": is_category if any(is_category) else None,
            **(
                {"early_stopping": True, "max_iter": 500}
                if can_stop_early(task)
                else {"early_stopping": False, "max_iter": 100}
            ),
        }

    def arguments(self, task: Task, estimator: Any) -> dict[str, Any]:
        """Return the rows that decide when to stop. Before 1.7 scikit-learn takes a tenth of the training rows instead."""
        if task.validation is None or not can_stop_early(task) or estimator.early_stopping is False:
            return {}
        if "X_val" not in inspect.signature(estimator.fit).parameters:
            return {}
        rows = task.validation
        arguments = {"X_val": rows.matrix, "y_val": rows.target}
        return arguments if rows.weights is None else {**arguments, "sample_weight_val": rows.weights}


class RandomForest(ScikitLearner):
    """A random forest."""

    name = "random_forest"
    preparation: Preparation = "filled"
    regressor: ClassVar[type[Any]] = RandomForestRegressor
    classifier: ClassVar[type[Any]] = RandomForestClassifier

    def parameters(self, task: Task) -> dict[str, Any]:
        """Return what is not scikit-learn's default."""
        return {"n_estimators": 200, "min_samples_leaf": 2, "n_jobs": processors()}


class Linear(ScikitLearner):
    """Ridge regression, or logistic regression."""

    name = "linear"
    preparation: Preparation = "scaled"
    condenses_texts = False
    regressor: ClassVar[type[Any]] = Ridge
    classifier: ClassVar[type[Any]] = LogisticRegression

    def parameters(self, task: Task) -> dict[str, Any]:
        """Return what is not scikit-learn's default."""
        return {} if task.problem == "regression" else {"max_iter": 1000}


def can_stop_early(task: Task) -> bool:
    """Tell whether there are enough validation rows to decide when to stop."""
    return task.validation is not None and task.validation.rows >= ROWS_FOR_EARLY_STOPPING


def threads_for(task: Task) -> int:
    """Return how many threads learn: all processors for many cells, one for few, where threads only wait for each other."""
    return processors() if task.matrix.size >= _CELLS_FOR_THREADS else 1
