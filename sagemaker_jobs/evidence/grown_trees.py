"""The trees of an estimator, whoever has grown them, as they are explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.ml.arrays import Flags, Floats
from headrace.ml.evidence.tree_shap import CountedTree

_BITS = 32


@dataclass(frozen=True)
class Asked:
    """A tree, the answers of rows to its questions, and to which sum it adds."""

    tree: CountedTree
    says_yes: Flags
    target: int


@dataclass(frozen=True)
class GrownTrees:
    """All trees of an estimator.

    Parameters
    ----------
    base : ndarray of shape (n_targets,)
        What the sums begin with.
    leaves : int
        Of all trees.
    asked : callable
        From a matrix to the trees, asked about its rows.
    answers : callable
        From a matrix to what the estimator itself answers, of shape (n_rows, n_targets).
    link : callable
        From the sums to these answers.
    weight : float
        With which each tree counts.
    """

    base: Floats
    leaves: int
    asked: Callable[[Floats], Iterator[Asked]]
    answers: Callable[[Floats], Floats]
    link: Callable[[Floats], Floats] = np.asarray
    weight: float = 1.0


def grown_trees(estimator: Any) -> GrownTrees:
    """Return the trees of scikit-learn's gradient boosting or random forest, or of XGBoost."""
    if hasattr(estimator, "_predictors"):
        leaves = sum(int(tree.nodes["is_leaf"].sum()) for each in estimator._predictors for tree in each)
        base = np.ravel(estimator._baseline_prediction)
        return GrownTrees(base, leaves, lambda cells: _boosted(estimator, cells), estimator._raw_predict)
    if hasattr(estimator, "estimators_"):
        members = estimator.estimators_
        return GrownTrees(
            np.zeros(members[0].tree_.value.shape[2]),
            sum(int(tree.get_n_leaves()) for tree in members),
            lambda cells: _forest(estimator, cells),
            lambda cells: _answers(estimator, cells),
            weight=1.0 / len(members),
        )
    from sagemaker_jobs.evidence.xgboost_explained import xgboost_trees  # noqa: PLC0415 - needs onnx

    return xgboost_trees(estimator)


def _answers(estimator: Any, matrix: Floats) -> Floats:
    if hasattr(estimator, "classes_"):
        return np.asarray(estimator.predict_proba(matrix))
    return np.asarray(estimator.predict(matrix)).reshape(-1, 1)


def _boosted(estimator: Any, matrix: Floats) -> Iterator[Asked]:
    """Yield the trees of histogram gradient boosting, which brings categories to the front and numbers them anew."""
    cells = np.asarray(estimator._preprocess_X(matrix, reset=False), dtype=np.float64)
    is_category = estimator.is_categorical_
    order = np.arange(matrix.shape[1])
    if is_category is not None:
        order = np.concatenate([np.flatnonzero(is_category), np.flatnonzero(~is_category)])
    for iteration in estimator._predictors:
        for target, predictor in enumerate(iteration):
            nodes = predictor.nodes
            left = np.where(nodes["is_leaf"] != 0, -1, nodes["left"].astype(np.int64))
            tree = CountedTree(
                left,
                nodes["right"].astype(np.int64),
                order[np.maximum(nodes["feature_idx"], 0)],
                nodes["count"].astype(np.float64),
                nodes["value"].astype(np.float64),
            )
            yield Asked(tree, _says_yes(predictor, cells), target)


def _says_yes(predictor: Any, cells: Floats) -> Flags:
    nodes = predictor.nodes
    asked = cells[:, np.maximum(nodes["feature_idx"], 0)]
    missing = np.isnan(asked)
    yes = asked <= nodes["num_threshold"]
    for node in np.flatnonzero((nodes["is_categorical"] != 0) & (nodes["is_leaf"] == 0)).tolist():
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        codes = np.nan_to_num(asked[:, node]).astype(np.int64)
        yes[:, node] = (bits[codes // _BITS] >> (codes % _BITS).astype(np.uint32)) & 1
    return np.asarray(np.where(missing, nodes["missing_go_to_left"] != 0, yes), dtype=bool)


def _forest(estimator: Any, matrix: Floats) -> Iterator[Asked]:
    """Yield the trees of a random forest, once for each label; it compares in single precision."""
    cells = matrix.astype(np.float32)
    for member in estimator.estimators_:
        grown = member.tree_
        yes = cells[:, np.maximum(grown.feature, 0)] <= grown.threshold
        for target in range(grown.value.shape[2]):
            tree = CountedTree(
                grown.children_left,
                grown.children_right,
                grown.feature,
                grown.weighted_n_node_samples,
                grown.value[:, 0, target],
            )
            yield Asked(tree, yes, target)
