r"""Exact Shapley values of sums of trees, in numpy.

Each leaf is a game of the columns on its path: a column that is known is met or not by the row; one that is not known is met
with the share of the training rows that went the leaf's way (path-dependent TreeSHAP [1]_). Its value is the leaf's times the
product over its columns, which is multilinear, so the Shapley value of a column is an integral along the diagonal [2]_,

.. math:: \phi_f = w \, (o_f - z_f) \int_0^1 \prod_{g \ne f} \left((1 - t) z_g + t o_g\right) dt,

with :math:`o` what the row says and :math:`z` the shares. The integrand is a polynomial in t, which Gauss and Legendre's rule with enough
points integrates exactly. All rows and all leaves with equally many columns are computed together.

References
----------
.. [1] Lundberg, S. et al. (2020). From local explanations to global understanding with explainable AI for trees. Nature
   Machine Intelligence 2.
.. [2] Owen, G. (1972). Multilinear extensions of games. Management Science 18.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Flags, Floats, Ints

_CELLS_AT_A_TIME = 4_000_000


@dataclass(frozen=True)
class CountedTree:
    """One tree, with how many training rows each node had; node 0 is the root.

    Parameters
    ----------
    left, right : ndarray of int
        Where "yes" and "no" lead; below 0 in leaves.
    columns : ndarray of int
        What a node asks about.
    covers : ndarray of float
        Training rows that came there, or their weight.
    values : ndarray of float
        What a leaf adds.
    """

    left: Ints
    right: Ints
    columns: Ints
    covers: Floats
    values: Floats


@dataclass(frozen=True)
class _Leaf:
    """A leaf, by the columns on its path: the share of rows that meets each, and the questions with the answers."""

    value: float
    columns: tuple[int, ...]
    shares: tuple[float, ...]
    questions: tuple[tuple[tuple[int, bool], ...], ...]


def shap_values(tree: CountedTree, says_yes: Flags, columns: int) -> tuple[Floats, float]:
    """Explain what one tree answers to some rows.

    Parameters
    ----------
    tree : CountedTree
        The tree.
    says_yes : ndarray of shape (n_rows, n_nodes)
        The answer of each row to the question of each node; anything in leaves.
    columns : int
        How many there are.

    Returns
    -------
    ndarray of shape (n_rows, columns)
        By how much each column moves the answer. With the second value they add up to what the tree answers.
    float
        What the tree answers where nothing is known: the mean over its training rows.

    Examples
    --------
    >>> stump = CountedTree(
    ...     np.array([1, -1, -1]), np.array([2, -1, -1]), np.zeros(3, int), np.array([4.0, 1, 3]), np.array([0.0, 8, 0])
    ... )
    >>> values, mean = shap_values(stump, np.array([[True] * 3, [False] * 3]), columns=2)
    >>> values.tolist(), mean
    ([[6.0, 0.0], [-2.0, 0.0]], 2.0)
    """
    leaves = list(_leaves(tree))
    mean = sum(leaf.value * float(np.prod(leaf.shares)) for leaf in leaves)
    found = np.zeros((len(says_yes), columns))
    by_size: dict[int, list[_Leaf]] = defaultdict(list)
    for leaf in leaves:
        by_size[len(leaf.columns)].append(leaf)
    for size, alike in by_size.items():
        if size:
            _add(found, alike, says_yes)
    return found, mean


def _leaves(tree: CountedTree) -> Iterator[_Leaf]:
    """Yield the leaves; a column that is asked about more than once on a path is one player."""
    waiting: list[tuple[int, dict[int, tuple[float, tuple[tuple[int, bool], ...]]]]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        if tree.left[node] < 0:
            shares = tuple(share for share, _ in path.values())
            yield _Leaf(
                float(tree.values[node]), tuple(path), shares, tuple(asked for _, asked in path.values())
            )
            continue
        column = int(tree.columns[node])
        share, asked = path.get(column, (1.0, ()))
        for child, answer in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
            part = float(tree.covers[child]) / float(tree.covers[node])
            waiting.append((child, {**path, column: (share * part, (*asked, (node, answer)))}))


def _add(found: Floats, leaves: Sequence[_Leaf], says_yes: Flags) -> None:
    """Add the values of leaves that have equally many columns."""
    size = len(leaves[0].columns)
    points, weights = np.polynomial.legendre.leggauss(size // 2 + 1)
    points, weights = (points + 1) / 2, weights / 2
    at_a_time = max(1, _CELLS_AT_A_TIME // (len(leaves) * size * len(points)))
    shares = np.array([leaf.shares for leaf in leaves])
    worth = np.array([leaf.value for leaf in leaves])
    places = np.array([leaf.columns for leaf in leaves])
    for start in range(0, len(says_yes), at_a_time):
        met = _met(leaves, says_yes[start : start + at_a_time]).astype(np.float64)
        factors = shares[..., None] * (1 - points) + met[..., None] * points
        # A factor is at least the share times 1 - t, so it may be divided by.
        others = factors.prod(axis=2, keepdims=True) / factors
        values = worth[:, None] * (met - shares) * (others @ weights)
        for leaf, columns in enumerate(places):
            found[start : start + at_a_time, columns] += values[:, leaf]


def _met(leaves: Sequence[_Leaf], says_yes: Flags) -> Flags:
    """Return, of shape (n_rows, n_leaves, n_columns), whether rows answer all questions about a column as the path does."""
    met = np.ones((len(says_yes), len(leaves), len(leaves[0].columns)), dtype=bool)
    for number, leaf in enumerate(leaves):
        for place, questions in enumerate(leaf.questions):
            for node, answer in questions:
                met[:, number, place] &= says_yes[:, node] == answer
    return met
