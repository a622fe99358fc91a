"""From an estimator's sums to numbers and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor

from sagemaker_jobs.learners.graph_estimator import GraphEstimator
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.embedding import embedded
from sagemaker_jobs.onnx_export.graph import Graph, NotExportableError
from sagemaker_jobs.onnx_export.linear_models import weighed
from sagemaker_jobs.onnx_export.symbols import Column, Symbol
from sagemaker_jobs.onnx_export.tree_models import boosted_sums, forest_means

_LOGARITHMIC = ("poisson", "gamma")  # losses of boosting that are learned on the logarithm
_BOOSTING = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
_FORESTS = (RandomForestClassifier, RandomForestRegressor)
_LINEAR = (LogisticRegression, Ridge, SGDClassifier, SGDRegressor)


def answered(graph: Graph, estimator: Any, symbols: Sequence[Symbol], anything: Column) -> str:
    """Return the answers of an estimator to the columns of its matrix, of shape (n_rows, n_answers).

    Raises
    ------
    NotExportableError
        If it is none that is known.
    """
    if isinstance(estimator, GraphEstimator):
        return embedded(graph, estimator, symbols)
    if isinstance(estimator, _FORESTS):
        return forest_means(graph, estimator, symbols, anything)
    if isinstance(estimator, _BOOSTING):
        sums = boosted_sums(graph, estimator, symbols, anything)
        return _boosted(graph, estimator, sums)
    if isinstance(estimator, _LINEAR):
        weights = np.atleast_2d(estimator.coef_).T
        return _linear(graph, estimator, weighed(graph, symbols, weights, np.ravel(estimator.intercept_)))
    raise NotExportableError(f"there is no operator for {type(estimator).__name__}")


def _boosted(graph: Graph, estimator: Any, sums: str) -> str:
    if isinstance(estimator, HistGradientBoostingRegressor):
        return graph.node("Exp", sums) if estimator.loss in _LOGARITHMIC else sums
    if len(estimator.classes_) > 2:  # noqa: PLR2004
        return graph.node("Softmax", sums, axis=1)
    return _both(graph, graph.node("Sigmoid", sums))


def _linear(graph: Graph, estimator: Any, sums: str) -> str:
    if not hasattr(estimator, "classes_"):
        return sums
    binary = len(estimator.classes_) == 2  # noqa: PLR2004
    if isinstance(estimator, LogisticRegression) and not binary:
        return graph.node("Softmax", sums, axis=1)
    if getattr(estimator, "loss", "") == "modified_huber":
        a = Arithmetic(graph)
        cut = graph.node("Clip", sums, a.number(-1), a.number(1))
        shares = a.over(a.plus(cut, 1), 2)
    else:
        shares = _logistic(graph, sums)
    return _both(graph, shares) if binary else _normalised(graph, shares)


def _logistic(graph: Graph, sums: str) -> str:
    """Return 1 / (1 + exp(-x)). ONNX's Sigmoid rounds to 0 early, and shares that are nearly 0 are told apart here."""
    a = Arithmetic(graph)
    return graph.node("Reciprocal", a.plus(graph.node("Exp", graph.node("Neg", sums)), 1))


def _both(graph: Graph, positive: str) -> str:
    """Return the probabilities of both classes."""
    return graph.node("Concat", graph.node("Sub", graph.constant(np.float64(1)), positive), positive, axis=1)


def _normalised(graph: Graph, shares: str) -> str:
    """Return shares with the sum 1; equal ones if all are 0."""
    a = Arithmetic(graph)
    axis = graph.constant(np.array([1], dtype=np.int64))
    total = graph.node("ReduceSum", shares, axis, keepdims=1)
    nothing = graph.node("Equal", total, a.number(0))
    shares = a.where(nothing, 1.0, shares)
    return a.over(shares, graph.node("ReduceSum", shares, axis, keepdims=1))
