"""Trees as ONNX's operator ``TreeEnsemble``, with thresholds and leaves in double precision.

References
----------
.. [1] ONNX, operator ai.onnx.ml TreeEnsemble, version 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import numpy_helper

from headrace.ml.arrays import Flags, Floats, Ints
from sagemaker_jobs.onnx_export.graph import ML, Graph, NotExportableError

LEQ, NEQ, MEMBER = 0, 5, 6
"""What a node asks: whether its column is not above a value, is not a value, is one of several."""

_SUM, _NO_TRANSFORM = 1, 0
_MOST_NODES = 2_000_000
"""A million splits take a second to load, 220 bytes each in a server, and 500 while they are exported. Measured on 1,600,000."""


@dataclass(frozen=True)
class Tree:
    """One tree; all arrays have one entry for each node, and node 0 is the root.

    Parameters
    ----------
    left, right : ndarray of int
        Where "yes" and "no" lead; -1 in leaves.
    modes : ndarray of int
        ``LEQ``, ``NEQ`` or ``MEMBER``.
    columns : ndarray of int
        Of the matrix.
    values : ndarray of float
        To compare with.
    missing_left : ndarray of bool
        Whether "yes" is the answer to NaN.
    leaves : ndarray of float
        What a leaf adds to its sum.
    members : dict of int to sequence of float
        Of the nodes that ask ``MEMBER``.
    """

    left: Ints
    right: Ints
    modes: Ints
    columns: Ints
    values: Floats
    missing_left: Flags
    leaves: Floats
    members: Mapping[int, Sequence[float]] = field(default_factory=dict)


def constant_tree(value: float) -> Tree:
    """Return a tree that says the same of every row.

    Examples
    --------
    >>> constant_tree(0.5).leaves.tolist()
    [0.0, 0.5, 0.5]
    """
    nothing = np.full(3, -1)
    return Tree(
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        modes=np.zeros(3, dtype=np.int64),
        columns=np.zeros(3, dtype=np.int64),
        values=np.zeros(3),
        missing_left=nothing < 0,
        leaves=np.array([0.0, value, value]),
    )


class Forest:
    """Trees that add to `targets` sums, in the order in which they are added."""

    def __init__(self, targets: int) -> None:
        self._targets = targets
        self._roots: list[int] = []
        self._inner, self._leaves = 0, 0
        self._arrays: dict[str, list[Any]] = {}
        self._members: list[float] = []

    def add(self, tree: Tree, target: int) -> None:
        """Add a tree.

        Raises
        ------
        NotExportableError
            If there are more nodes than ONNX Runtime loads in a few seconds.
        """
        if tree.left[0] < 0:
            tree = constant_tree(float(tree.leaves[0]))
        is_leaf = tree.left < 0
        inner = np.flatnonzero(~is_leaf)
        number = np.where(
            is_leaf, self._leaves + np.cumsum(is_leaf) - 1, self._inner + np.cumsum(~is_leaf) - 1
        )
        self._roots.append(self._inner)
        for name, ends in (("true", tree.left[inner]), ("false", tree.right[inner])):
            self._append(f"nodes_{name}nodeids", number[ends])
            self._append(f"nodes_{name}leafs", is_leaf[ends])
        for name, values in (
            ("featureids", tree.columns),
            ("modes", tree.modes),
            ("splits", tree.values),
            ("missing_value_tracks_true", tree.missing_left),
        ):
            self._append(f"nodes_{name}", values[inner])
        self._append("leaf_weights", tree.leaves[is_leaf])
        self._append("leaf_targetids", np.full(is_leaf.sum(), target))
        for node in inner[tree.modes[inner] == MEMBER].tolist():
            self._members += [*tree.members[node], float("nan")]
        self._inner += len(inner)
        self._leaves += int(is_leaf.sum())
        if self._inner > _MOST_NODES:
            raise NotExportableError(
                f"its trees have more than {_MOST_NODES:,} splits, which would take long to load"
            )

    def written(self, graph: Graph, matrix: str) -> str:
        """Add the operator to a graph and return its sums, of shape (n_rows, n_targets)."""
        found = {name: np.concatenate(parts) for name, parts in self._arrays.items()}
        tensors: dict[str, np.ndarray[Any, Any]] = {
            "nodes_modes": found.pop("nodes_modes").astype(np.uint8),
            "nodes_splits": found.pop("nodes_splits").astype(np.float64),
            "leaf_weights": found.pop("leaf_weights").astype(np.float64),
            **({"membership_values": np.array(self._members)} if self._members else {}),
        }
        return graph.node(
            "TreeEnsemble",
            matrix,
            domain=ML,
            aggregate_function=_SUM,
            post_transform=_NO_TRANSFORM,
            n_targets=self._targets,
            tree_roots=self._roots,
            **{name: values.astype(np.int64).tolist() for name, values in found.items()},
            **{name: numpy_helper.from_array(values, name) for name, values in tensors.items()},
        )

    def _append(self, name: str, values: Any) -> None:
        self._arrays.setdefault(name, []).append(values)
