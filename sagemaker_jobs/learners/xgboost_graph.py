"""XGBoost's trees as a graph of ONNX.

XGBoost compares and adds in float32. Cells are rounded to it before they are compared, so every row reaches the same leaves;
leaves are added in double precision, so sums differ from XGBoost's by its rounding.

References
----------
.. [1] XGBoost, ``doc/model.schema`` and ``include/xgboost/tree_model.h``: a row goes left if its cell is below the split, or is
   none of the categories of the node; it follows ``default_left`` if the cell is missing.
.. [2] XGBoost, ``src/objective``: ``ProbToMargin`` of each objective, by which ``base_score`` becomes a first summand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from headrace.ml.arrays import Floats, Ints
from sagemaker_jobs.learners.graph_estimator import MATRIX
from sagemaker_jobs.onnx_export.graph import Graph
from sagemaker_jobs.onnx_export.trees import LEQ, MEMBER, Forest, Tree, constant_tree

_ON_LOGARITHM = ("count:poisson", "reg:gamma", "reg:tweedie")


@dataclass(frozen=True)
class BoostedTrees:
    """What a booster adds up.

    Parameters
    ----------
    base : ndarray of shape (n_targets,)
        What the sums begin with.
    trees : tuple of (Tree, ndarray, int)
        Each with the weight of the training rows in its nodes, and the sum that it adds to.
    on_logarithm : bool
        Whether the sum is the logarithm of a regression's answer.
    """

    base: Floats
    trees: tuple[tuple[Tree, Floats, int], ...]
    on_logarithm: bool


def boosted_trees(booster: Any, classes: int) -> BoostedTrees:
    """Return the trees of a booster, with ``classes`` as in `boosted_graph`."""
    model = json.loads(booster.save_raw("json"))["learner"]
    objective, trees = model["objective"]["name"], model["gradient_booster"]["model"]
    base = _base(model, objective, classes if classes > 2 else 1)  # noqa: PLR2004
    grown = zip(trees["trees"], trees["tree_info"], strict=True)
    return BoostedTrees(
        np.array(base),
        tuple(
            (_tree(tree), np.array(tree["sum_hessian"], dtype=np.float64), target) for tree, target in grown
        ),
        objective in _ON_LOGARITHM,
    )


def boosted_graph(booster: Any, columns: int, classes: int) -> bytes:
    """Return the graph of a booster; the same booster gives the same bytes.

    Parameters
    ----------
    booster : xgboost.Booster
        Of trees, fitted.
    columns : int
        Of the matrix.
    classes : int
        How many labels there are; 0 in a regression.
    """
    model = json.loads(booster.save_raw("json"))["learner"]
    objective = model["objective"]["name"]
    graph = Graph()
    sums = _sums(graph, model, objective, classes if classes > 2 else 1)  # noqa: PLR2004 - two labels have one sum
    if classes > 2:  # noqa: PLR2004
        answers = graph.node("Softmax", sums, axis=1)
    elif classes:
        positive = graph.node("Sigmoid", sums)
        negative = graph.node("Sigmoid", graph.node("Neg", sums))
        answers = graph.node("Concat", negative, positive, axis=1)
    else:
        answers = graph.node("Exp", sums) if objective in _ON_LOGARITHM else sums
    return graph.finished(answers, {MATRIX: columns}, flat=not classes)


def _sums(graph: Graph, model: Mapping[str, Any], objective: str, targets: int) -> str:
    """Return the sums of the leaves, of shape (n_rows, n_targets); the base score is a first tree."""
    forest = Forest(targets)
    for target, score in enumerate(_base(model, objective, targets)):
        forest.add(constant_tree(score), target)
    trees = model["gradient_booster"]["model"]
    for tree, target in zip(trees["trees"], trees["tree_info"], strict=True):
        forest.add(_tree(tree), target)
    rounded = graph.node("Cast", MATRIX, to=TensorProto.FLOAT)
    return forest.written(graph, graph.node("Cast", rounded, to=TensorProto.DOUBLE))


def _base(model: Mapping[str, Any], objective: str, targets: int) -> list[float]:
    """Return the first summand of each sum."""
    base = json.loads(model["learner_model_param"]["base_score"])
    scores = np.broadcast_to(np.asarray(base, dtype=np.float32), targets)
    return [_margin(score, objective) for score in scores.tolist()]


def _margin(score: float, objective: str) -> float:
    if objective == "binary:logistic":
        return math.log(score / (1 - score))
    return math.log(score) if objective in _ON_LOGARITHM else score


def _tree(tree: Mapping[str, Any]) -> Tree:
    """Return a tree; where XGBoost asks for categories, its right branch is the one of those that are named."""
    left, right = (np.array(tree[f"{side}_children"], dtype=np.int64) for side in ("left", "right"))
    split = np.array(tree["split_conditions"], dtype=np.float32)
    by_category = np.array(tree["split_type"]) == 1
    default_left = np.array(tree["default_left"]) != 0
    below = np.nextafter(split, np.float32(-np.inf), dtype=np.float32).astype(np.float64)
    return Tree(
        left=np.where(by_category, right, left),
        right=np.where(by_category, left, right),
        modes=np.where(by_category, MEMBER, LEQ),
        columns=np.array(tree["split_indices"], dtype=np.int64),
        values=np.where(by_category, 0.0, below),
        missing_left=default_left != by_category,
        leaves=split.astype(np.float64),
        members=_members(tree),
    )


def _members(tree: Mapping[str, Any]) -> dict[int, list[float]]:
    """Return the codes of each node that asks for categories."""
    categories: Ints = np.array(tree["categories"], dtype=np.int64)
    return {
        node: categories[start : start + size].astype(np.float64).tolist()
        for node, start, size in zip(
            tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
        )
    }
