"""A small forest that says how large a model's error is likely to be for a row: grown in the training, evaluated by NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from headrace.ml.arrays import Floats, Ints
from headrace.ml.column_schema import Kind

PREDICTION = "_score"
"""The column of the predictions, as they are recorded; a forest may look at it as at any feature."""

_LEAF = -1


@dataclass(frozen=True)
class LossColumn:
    """How one column is read as numbers.

    Parameters
    ----------
    name, kind : str
        As in the schema: a number, a boolean or a category.
    levels : tuple of str
        Categories in the order of their numbers, from 0; any other is missing.

    Examples
    --------
    >>> LossColumn("season", "category", ("fall", "spring")).read(["spring", None, "winter"]).tolist()
    [1.0, nan, nan]
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()

    def read(self, values: Any) -> Floats:
        """Return numbers, NaN where a value is missing."""
        series = pd.Series(values)
        if self.kind == "category":
            position = {level: float(index) for index, level in enumerate(self.levels)}
            series = series.map(position)
        return pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"name": self.name, "kind": self.kind, "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(entry["name"], entry["kind"], tuple(entry["levels"]))


@dataclass(frozen=True)
class LossForest:
    """Trees whose mean is the expected absolute error of a row.

    Parameters
    ----------
    columns : tuple of LossColumn
        What the trees look at.
    roots : ndarray of shape (n_trees,)
        The first node of each tree.
    feature : ndarray of shape (n_nodes,)
        Index of the column that a node looks at; -1 in a leaf.
    threshold : ndarray of shape (n_nodes,)
        Rows whose value is at most this go to the left.
    left, right : ndarray of shape (n_nodes,)
        The next nodes.
    missing_left : ndarray of shape (n_nodes,)
        Whether rows without a value go to the left: 0 or 1.
    value : ndarray of shape (n_nodes,)
        Expected absolute error of a leaf, in the target's unit.
    """

    columns: tuple[LossColumn, ...]
    roots: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    missing_left: Ints
    value: Floats

    @property
    def names(self) -> list[str]:
        """The columns that have to be known."""
        return [column.name for column in self.columns]

    def matrix(self, columns: Mapping[str, Any]) -> Floats:
        """Return what the trees look at, of shape (n_rows, n_columns); a column that is not there is missing."""
        rows = len(next(iter(columns.values())))
        return np.column_stack(
            [
                column.read(columns[column.name]) if column.name in columns else np.full(rows, np.nan)
                for column in self.columns
            ]
        )

    def expected_errors(self, matrix: Floats) -> Floats:
        """Return the expected absolute error of each row, of shape (n_rows,)."""
        total = np.zeros(len(matrix))
        everyone = np.arange(len(matrix))
        for root in self.roots:
            node = np.full(len(matrix), root)
            inside = everyone[self.feature[node] != _LEAF]
            while len(inside):
                at = node[inside]
                seen = matrix[inside, self.feature[at]]
                to_left = np.where(np.isnan(seen), self.missing_left[at] == 1, seen <= self.threshold[at])
                node[inside] = np.where(to_left, self.left[at], self.right[at])
                inside = inside[self.feature[node[inside]] != _LEAF]
            total += self.value[node]
        return total / len(self.roots)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {"columns": [column.as_dict() for column in self.columns], **arrays}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        arrays = {name: np.asarray(entry[name], dtype=dtype) for name, dtype in _ARRAYS.items()}
        return cls(columns=tuple(map(LossColumn.from_dict, entry["columns"])), **arrays)


_ARRAYS: dict[str, Any] = {
    "roots": np.int64,
    "feature": np.int64,
    "threshold": np.float64,
    "left": np.int64,
    "right": np.int64,
    "missing_left": np.int64,
    "value": np.float64,
}
