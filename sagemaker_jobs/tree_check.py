"""Refuses trees that point outside of themselves: compiled code follows their nodes without looking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from headrace.ml.arrays import Flags, Ints
from sagemaker_jobs.failures import JobError

_BOOSTING = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
_FORESTS = (RandomForestClassifier, RandomForestRegressor)


def check_trees(estimator: Any) -> None:
    """Check every node of every tree: children come after their parent and are there, features and values are there.

    Parameters
    ----------
    estimator : object
        A loaded estimator; one without trees is left alone.

    Raises
    ------
    JobError
        If a node would lead a prediction to memory that is not the tree's.

    References
    ----------
    .. [1] skops, security note on ``sklearn.tree._tree.Tree``: node indices are used without bounds checking.
    """
    for safe in _verdicts(estimator):
        if not safe:
            raise JobError("the model is refused, because a tree in it points outside of itself")


def _verdicts(estimator: Any) -> Iterator[bool]:
    if isinstance(estimator, _BOOSTING):
        for predictors in estimator._predictors:
            yield from (_is_safe_predictor(predictor, estimator.n_features_in_) for predictor in predictors)
    elif isinstance(estimator, _FORESTS):
        for member in estimator.estimators_:
            yield _is_safe_tree(member.tree_, estimator.n_features_in_)


def _is_safe_predictor(predictor: Any, n_features: int) -> bool:
    nodes, categories = predictor.nodes, len(predictor.raw_left_cat_bitsets)
    splits = nodes["is_leaf"] == 0
    sets = splits & (nodes["is_categorical"] != 0)
    return (
        len(nodes) > 0
        and _lead_on(nodes["left"], nodes["right"], splits)
        and bool((nodes["feature_idx"][splits] < n_features).all())
        and bool((nodes["bitset_idx"][sets] < categories).all())
    )


def _is_safe_tree(tree: Any, n_features: int) -> bool:
    splits = tree.children_left != -1
    features = tree.feature[splits]
    return (
        tree.node_count > 0
        and len(tree.value) == tree.node_count
        and _lead_on(tree.children_left, tree.children_right, splits)
        and bool(((features >= 0) & (features < n_features)).all())
    )


def _lead_on(left: Ints, right: Ints, splits: Flags) -> bool:
    """Tell whether both children of every split come after it, so that every path ends, and exist."""
    here = np.arange(len(splits))
    both = [np.asarray(side, dtype=np.int64) for side in (left, right)]
    return all(bool(((side > here) & (side < len(splits)))[splits].all()) for side in both)
