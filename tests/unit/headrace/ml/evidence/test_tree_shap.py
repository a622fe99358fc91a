"""Shapley values of a tree are those of their definition, over all orders in which columns become known."""

from itertools import permutations

import numpy as np
import pytest

from headrace.ml.evidence.tree_shap import CountedTree, shap_values

# Column 0, then 1 and 2, then column 0 once more below.
TREE = CountedTree(
    left=np.array([1, 3, 5, 7, -1, -1, -1, -1, -1]),
    right=np.array([2, 4, 6, 8, -1, -1, -1, -1, -1]),
    columns=np.array([0, 1, 2, 0, 0, 0, 0, 0, 0]),
    covers=np.array([100.0, 60, 40, 25, 35, 10, 30, 5, 20]),
    values=np.array([0.0, 0, 0, 0, 4, -2, 7, 1, 3]),
)
ANSWERS = np.array([[yes >> node & 1 for node in range(9)] for yes in range(16)], dtype=bool)


def expected(answers, known, node=0):
    """Return what the tree answers if only the columns of `known` are."""
    if TREE.left[node] < 0:
        return TREE.values[node]
    left, right = int(TREE.left[node]), int(TREE.right[node])
    if TREE.columns[node] in known:
        return expected(answers, known, left if answers[node] else right)
    share = TREE.covers[left] / TREE.covers[node]
    return share * expected(answers, known, left) + (1 - share) * expected(answers, known, right)


def test_they_are_the_mean_over_all_orders_in_which_columns_become_known():
    values, mean = shap_values(TREE, ANSWERS, columns=3)

    for row, answers in enumerate(ANSWERS):
        by_definition = np.zeros(3)
        for order in permutations(range(3)):
            for place, column in enumerate(order):
                before = set(order[:place])
                by_definition[column] += (
                    expected(answers, before | {column}) - expected(answers, before)
                ) / 6
        assert values[row] == pytest.approx(by_definition)
    assert mean == pytest.approx(expected(ANSWERS[0], set()))
