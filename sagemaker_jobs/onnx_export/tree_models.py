"""The estimators that grow trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto

from headrace.ml.arrays import Floats, Ints
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import Graph, NotExportableError
from sagemaker_jobs.onnx_export.symbols import Code, Column, Hot, Symbol
from sagemaker_jobs.onnx_export.trees import LEQ, MEMBER, NEQ, Forest, Tree, constant_tree

_BITS = 32  # of a word of scikit-learn's sets


class Matrix:
    """The columns that trees ask about: those that they need, each once, in any order."""

    def __init__(self, symbols: Sequence[Symbol], asked: Sequence[int], categorical: Sequence[bool]) -> None:
        self.symbols = symbols
        self._asked = [symbols[place] for place in asked]
        for place in asked:
            if isinstance(symbols[place], Code) != categorical[place]:
                raise NotExportableError("categories are compared as numbers, or numbers as categories")
        self._columns = list(dict.fromkeys(symbol.at for symbol in self._asked))
        self._columns.sort(key=lambda column: (column.tensor, column.place))
        self._places = {column: place for place, column in enumerate(self._columns)}

    def place(self, feature: int) -> int:
        """Return which column of the written matrix tells about a feature."""
        return self._places[self.symbols[feature].at]

    def written(self, graph: Graph, fallback: str) -> str:
        """Return the tensor of shape (n_rows, n_columns)."""
        return graph.side_by_side(self._columns) if self._columns else fallback


def boosted_sums(graph: Graph, estimator: Any, symbols: Sequence[Symbol], anything: Column) -> str:
    """Return the sums of histogram gradient boosting, of shape (n_rows, 1 or n_classes).

    The baseline is a first tree, so that numbers are added up in scikit-learn's order.
    """
    order, known = _remapped(estimator)
    predictors = [each for iteration in estimator._predictors for each in iteration]
    asked = {int(f) for each in predictors for f in each.nodes["feature_idx"][each.nodes["is_leaf"] == 0]}
    matrix = Matrix(
        symbols, [order[place] for place in sorted(asked)], [place in known for place in range(len(order))]
    )
    baseline = np.ravel(estimator._baseline_prediction).tolist()
    forest = Forest(len(baseline))
    for target, value in enumerate(baseline):
        forest.add(constant_tree(value), target)
    for iteration in estimator._predictors:
        for target, predictor in enumerate(iteration):
            forest.add(_boosted_tree(predictor, matrix, order, known), target)
    return forest.written(graph, matrix.written(graph, graph.side_by_side([anything])))


def _remapped(estimator: Any) -> tuple[list[int], dict[int, Floats]]:
    """Return which feature each column of the trees is, and the codes that stand behind the categories of a feature.

    `HistGradientBoosting*` brings columns of categories to the front and numbers their values anew.
    """
    is_category = estimator.is_categorical_
    if is_category is None:
        return list(range(estimator.n_features_in_)), {}
    first, rest = np.flatnonzero(is_category).tolist(), np.flatnonzero(~is_category).tolist()
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    return first + rest, dict(zip(first, encoder.categories_, strict=True))


def _boosted_tree(predictor: Any, matrix: Matrix, order: Sequence[int], known: Mapping[int, Floats]) -> Tree:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"] != 0
    features = np.array(order)[np.where(is_leaf, 0, nodes["feature_idx"])]
    modes = np.full(len(nodes), LEQ)
    values, members = nodes["num_threshold"].astype(np.float64), {}
    for node in np.flatnonzero(~is_leaf).tolist():
        symbol = matrix.symbols[features[node]]
        if isinstance(symbol, Code):
            modes[node], values[node] = MEMBER, 0.0
            bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
            missing_left = bool(nodes["missing_go_to_left"][node])
            members[node] = _left_codes(bits, known[features[node]], symbol.levels, missing_left)
        elif isinstance(symbol, Hot):
            modes[node], values[node] = _about_hot(symbol, values[node])
    return Tree(
        left=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
        modes=modes,
        columns=np.array([0 if leaf else matrix.place(f) for leaf, f in zip(is_leaf, features, strict=True)]),
        values=values,
        missing_left=nodes["missing_go_to_left"] != 0,
        leaves=nodes["value"].astype(np.float64),
        members=members,
    )


def _left_codes(bits: Ints, categories: Floats, count: int, missing_left: bool) -> list[float]:
    """Return the codes that lead to the left; what boosting has not seen goes where missing cells go."""
    known = [int(code) for code in categories[~np.isnan(categories)]]
    left = [code for place, code in enumerate(known) if bits[place // _BITS] >> (place % _BITS) & 1]
    unknown = sorted({-1, *range(count)} - set(known)) if missing_left else []
    return [float(code) for code in sorted([*left, *unknown])]


def _about_hot(symbol: Hot, threshold: float) -> tuple[int, float]:
    """Return the question about a code that stands for one about a column of zeros and ones."""
    if 0 <= threshold < 1:
        return NEQ, float(symbol.code)
    return LEQ, np.inf if threshold >= 1 else -np.inf


def forest_means(graph: Graph, estimator: Any, symbols: Sequence[Symbol], anything: Column) -> str:
    """Return the means of a random forest's trees, of shape (n_rows, 1 or n_classes).

    A leaf of ONNX holds one number. For several classes it holds the row of a table; the rows are added up one after
    another, as scikit-learn does, because otherwise rounding would decide between equal classes.
    """
    trees = [member.tree_ for member in estimator.estimators_]
    asked = sorted({int(f) for tree in trees for f in tree.feature[tree.children_left >= 0]})
    matrix = Matrix(symbols, asked, [False] * len(symbols))
    cells = _as_float32(graph, matrix.written(graph, graph.side_by_side([anything])))
    a = Arithmetic(graph)
    several = hasattr(estimator, "classes_")
    forest = Forest(len(trees) if several else 1)
    tables, rows = [], 0
    for number, tree in enumerate(trees):
        values = tree.value[:, 0, :]
        leaves = np.arange(rows, rows + len(values), dtype=np.float64) if several else values[:, 0]
        forest.add(_forest_tree(tree, leaves, matrix), number if several else 0)
        tables.append(values)
        rows += len(values)
    found = forest.written(graph, cells)
    return a.over(_added_up(graph, found, np.concatenate(tables)) if several else found, len(trees))


def _added_up(graph: Graph, found: str, table: Floats) -> str:
    """Return the sums of table rows, of which each row of `found` names several."""
    rows = graph.node("Cast", found, to=TensorProto.INT64)
    values = graph.node("Gather", graph.constant(table), rows, axis=0)
    sums = graph.node("CumSum", values, graph.constant(np.int64(1)))
    return graph.node("Gather", sums, graph.constant(np.int64(-1)), axis=1)


def _as_float32(graph: Graph, cells: str) -> str:
    """Round cells as scikit-learn's forests do before they compare them."""
    return graph.node("Cast", graph.node("Cast", cells, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)


def _forest_tree(tree: Any, leaves: Floats, matrix: Matrix) -> Tree:
    is_leaf = tree.children_left < 0
    places = np.array([0 if f < 0 else matrix.place(f) for f in tree.feature.tolist()])
    modes, values = np.full(len(is_leaf), LEQ), tree.threshold.astype(np.float64)
    for node in _asking_hot(tree.feature, matrix):
        modes[node], values[node] = _about_hot(matrix.symbols[tree.feature[node]], values[node])
    return Tree(
        left=tree.children_left,
        right=tree.children_right,
        modes=modes,
        columns=places,
        values=values,
        missing_left=tree.missing_go_to_left != 0,
        leaves=leaves,
    )


def _asking_hot(features: Ints, matrix: Matrix) -> Iterator[int]:
    for node, feature in enumerate(features.tolist()):
        if feature >= 0 and isinstance(matrix.symbols[feature], Hot):
            yield node
