"""What the good rows of a file were: ranges, categories, missing cells, labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.contract import ColumnSchema, Contract

MOST_CATEGORIES = 100
"""A column with more is described by none of them."""


class Observer:
    """Looks at the good rows of a file, block by block.

    Parameters
    ----------
    contract : Contract
        What the rows are.
    thorough : bool
        Whether every column is looked at, as for the first file; otherwise only the labels are.

    Examples
    --------
    >>> contract = Contract("binary", (ColumnSchema("x", "number"), ColumnSchema("y", "category", "target")))
    >>> observer = Observer(contract, thorough=True)
    >>> observer.add(pa.table({"x": [1.0, None, 3.0], "y": ["no", "yes", "no"]}))
    >>> sorted(observer.labels)
    ['no', 'yes']
    >>> observer.observed()["x"]
    {'missing': 1, 'min': 1.0, 'max': 3.0}
    """

    def __init__(self, contract: Contract, *, thorough: bool) -> None:
        self.labels: set[str] = set()
        self.rows = 0
        self._target = contract.target if contract.problem != "regression" else None
        columns = [column for column in contract.columns if thorough and column.role != "ignored"]
        self._columns = {column.name: _Observed(column) for column in columns}

    def add(self, good: pa.Table) -> None:
        """Look at further rows; their columns are those of the contract."""
        self.rows += good.num_rows
        if self._target:
            self.labels.update(pc.unique(good.column(self._target.name)).to_pylist())
        for name, observed in self._columns.items():
            observed.add(good.column(name))

    def merge(self, other: Observer) -> None:
        """Look at what another has seen of further rows of the same file."""
        self.rows += other.rows
        self.labels |= other.labels
        for name, observed in self._columns.items():
            observed.merge(other._columns[name])

    def observed(self) -> dict[str, Mapping[str, Any]]:
        """Return by column how many cells were missing, and the range or the categories of the others."""
        return {name: observed.as_dict() for name, observed in self._columns.items()}


class _Observed:
    """What one column was so far."""

    def __init__(self, column: ColumnSchema) -> None:
        self._ordered = column.kind in ("number", "datetime")
        self._missing = 0
        self._limits: list[Any] = []
        self._categories: set[str] | None = (
            set() if column.kind == "category" and column.role != "id" else None
        )

    def add(self, cells: pa.ChunkedArray) -> None:
        self._missing += cells.null_count
        if self._ordered:
            self._widen(pc.min_max(cells).as_py().values())
        elif self._categories is not None:
            self._include(pc.drop_null(pc.unique(cells)).to_pylist())

    def merge(self, other: _Observed) -> None:
        self._missing += other._missing
        self._widen(other._limits)
        self._include(other._categories)

    def _widen(self, further: Iterable[Any]) -> None:
        limits = [limit for limit in (*self._limits, *further) if limit is not None]
        self._limits = [min(limits), max(limits)] if limits else []

    def _include(self, further: Iterable[str] | None) -> None:
        """Add categories; None are too many."""
        if self._categories is not None:
            known = None if further is None else self._categories.union(further)
            self._categories = None if known is None or len(known) > MOST_CATEGORIES else known

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"missing": self._missing}
        if self._limits:
            low, high = (limit if isinstance(limit, float) else limit.isoformat() for limit in self._limits)
            found |= {"min": low, "max": high}
        if self._categories:
            found["categories"] = sorted(self._categories)
        return found
