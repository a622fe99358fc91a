"""XGBoost's trees as they are explained: in its sums, which are log-odds, the target's unit or the logarithm of it.

References
----------
.. [1] XGBoost, ``include/xgboost/tree_model.h``: ``sum_hess`` of a node is the weight of the training rows that came there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from headrace.ml.arrays import Flags, Floats
from headrace.ml.evidence.tree_shap import CountedTree
from sagemaker_jobs.evidence.grown_trees import Asked, GrownTrees
from sagemaker_jobs.learners.xgboost_graph import BoostedTrees, boosted_trees
from sagemaker_jobs.onnx_export.trees import MEMBER, Tree


def xgboost_trees(estimator: Any) -> GrownTrees:
    """Return the trees of a graph's booster, which is at hand while the training lasts."""
    classes = len(estimator.labels or ())
    boosted = boosted_trees(estimator.booster, classes)
    return GrownTrees(
        boosted.base,
        sum(int((tree.left < 0).sum()) for tree, _, _ in boosted.trees),
        lambda matrix: _asked(boosted, matrix),
        lambda matrix: _answers(estimator, matrix, len(boosted.base)),
        lambda sums: _linked(boosted, sums, classes),
    )


def _asked(boosted: BoostedTrees, matrix: Floats) -> Iterator[Asked]:
    cells = matrix.astype(np.float32).astype(np.float64)
    for tree, covers, target in boosted.trees:
        counted = CountedTree(tree.left, tree.right, tree.columns, covers, tree.leaves)
        yield Asked(counted, _says_yes(tree, cells), target)


def _says_yes(tree: Tree, cells: Floats) -> Flags:
    asked = cells[:, tree.columns]
    yes = asked <= tree.values
    for node in np.flatnonzero(tree.modes == MEMBER).tolist():
        yes[:, node] = np.isin(asked[:, node], tree.members.get(node, ()))
    return np.asarray(np.where(np.isnan(asked), tree.missing_left, yes), dtype=bool)


def _answers(estimator: Any, matrix: Floats, targets: int) -> Floats:
    """Return the graph's answers: of two labels, the probability of the second one."""
    answers = np.asarray(estimator.predict_proba(matrix), dtype=np.float64).reshape(len(matrix), -1)
    return answers[:, -targets:]


def _linked(boosted: BoostedTrees, sums: Floats, classes: int) -> Floats:
    if classes > 2:  # noqa: PLR2004 - two labels have one sum
        return np.asarray(softmax(sums, axis=1))
    if classes:
        return np.asarray(expit(sums))
    return np.exp(sums) if boosted.on_logarithm else sums
