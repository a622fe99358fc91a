"""Learns how large a regression's error is likely to be for a row, from rows it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from headrace.ml.arrays import Floats
from headrace.ml.column_schema import ColumnSchema
from headrace.ml.quality.loss_forest import PREDICTION, LossColumn, LossForest
from headrace.ml.rows import Columns

_TREES, _LEAVES, _MOST_ROWS, _MOST_LEVELS = 20, 64, 10_000, 50
_SEED = 7


def grow_loss_forest(
    schema: Sequence[ColumnSchema], columns: Columns, predicted: Floats, errors: Floats
) -> tuple[LossForest, Floats]:
    """Grow a forest on absolute errors: direct loss estimation [1]_.

    Parameters
    ----------
    schema : sequence of ColumnSchema
        The model's features, of which numbers, booleans and categories are looked at.
    columns : dict of str to ndarray of shape (n_rows,)
        The features.
    predicted, errors : ndarray of shape (n_rows,)
        The model's answers, and their absolute errors, in the target's unit.

    Returns
    -------
    LossForest
        20 trees of at most 64 leaves.
    ndarray of shape (n_rows,)
        What trees that have not seen the row expect of its error.

    References
    ----------
    .. [1] NannyML documentation, "Direct Loss Estimation".
    """
    read = [LossColumn(PREDICTION, "number"), *_columns(schema, columns, errors)]
    values = {**columns, PREDICTION: predicted}
    matrix = np.column_stack([column.read(values[column.name]) for column in read])
    forest = RandomForestRegressor(
        n_estimators=_TREES,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=max(5, len(errors) // 500),
        max_features=1.0,
        max_samples=min(1.0, _MOST_ROWS / len(errors)),
        oob_score=_score,
        bootstrap=True,
        random_state=_SEED,
    )
    forest.fit(matrix, errors)
    unseen = np.where(
        np.isfinite(forest.oob_prediction_) & (forest.oob_prediction_ > 0),
        forest.oob_prediction_,
        errors.mean(),
    )
    return _exported(forest, tuple(read)), unseen


def _columns(schema: Sequence[ColumnSchema], columns: Columns, errors: Floats) -> list[LossColumn]:
    """Return how features are read; categories are numbered by their mean error."""
    found = []
    for column in schema:
        if column.kind in ("number", "boolean"):
            found.append(LossColumn(column.name, column.kind))
        elif column.kind == "category":
            levels = pd.Series(errors).groupby(columns[column.name]).agg(["size", "mean"])
            kept = levels.nlargest(_MOST_LEVELS, "size", keep="first").sort_values("mean", kind="stable")
            found.append(LossColumn(column.name, "category", tuple(map(str, kept.index))))
    return found


def _score(truth: Floats, predicted: Floats) -> float:
    """Return nothing of interest: scikit-learn's own score warns about rows that all trees have seen."""
    return 0.0


def _exported(forest: Any, columns: tuple[LossColumn, ...]) -> LossForest:
    """Write the trees into arrays, and drop the columns that none of them looks at."""
    trees = [each.tree_ for each in forest.estimators_]
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])
    leaf = np.concatenate([tree.children_left < 0 for tree in trees])
    feature = np.where(leaf, -1, np.concatenate([tree.feature for tree in trees]))
    used = sorted(set(feature[~leaf].tolist()))
    renumbered = np.full(len(columns) + 1, -1)
    renumbered[used] = np.arange(len(used))
    children = [
        np.where(
            leaf,
            0,
            np.concatenate([getattr(tree, side) + start for tree, start in zip(trees, starts, strict=False)]),
        )
        for side in ("children_left", "children_right")
    ]
    return LossForest(
        columns=tuple(columns[index] for index in used),
        roots=starts[:-1].astype(np.int64),
        feature=np.where(leaf, -1, renumbered[feature]).astype(np.int64),
        # A split between missing and all other values has an infinite threshold, for which JSON has no word.
        threshold=np.nan_to_num(np.where(leaf, 0.0, np.concatenate([tree.threshold for tree in trees]))),
        left=children[0].astype(np.int64),
        right=children[1].astype(np.int64),
        missing_left=np.concatenate([tree.missing_go_to_left for tree in trees]).astype(np.int64),
        value=np.concatenate([tree.value[:, 0, 0] for tree in trees]),
    )
