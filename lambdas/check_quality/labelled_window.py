"""Collects the predictions whose labels have come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.quality.evidence import Mistakes
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import Performance
from headrace.ml.quality.segments import SegmentedColumn, Segments

_NEEDED = ("_time", "_joined_at", "_label", "_prediction", "_score")
_FRESH, _NUMBER = "_fresh", "_label_number"


class LabelledWindow:
    """Labelled predictions in the order of their time.

    Parameters
    ----------
    performance : Performance
        Says what is predicted, and which columns are looked at.
    since : datetime
        Labels that were joined before are not measured, whenever they were given.
    """

    def __init__(self, performance: Performance, since: datetime) -> None:
        self._performance, self._since = performance, since
        self._tables: list[pa.Table] = []

    @property
    def columns(self) -> list[str]:
        """What has to be read of a file."""
        reference = self._performance.reference
        looked_at = [*self._performance.segments, *(reference.columns if reference else [])]
        return list(dict.fromkeys([*_NEEDED, *looked_at]))

    @property
    def read(self) -> int:
        """How many rows were added."""
        return sum(table.num_rows for table in self._tables)

    def add(self, table: pa.Table, known: int) -> None:
        """Add the rows of one file, the first `known` of which an earlier check has seen: a file only grows."""
        fresh = pa.array(np.arange(table.num_rows) >= known)
        self._tables.append(table.append_column(_FRESH, fresh))

    @cached_property
    def _usable(self) -> pa.Table | None:
        """All rows with a label and an answer: in a regression, with finite numbers."""
        if not self._tables:
            return None
        table = pa.concat_tables(self._tables, promote_options="permissive").sort_by("_time")
        if self._performance.problem == "regression":
            numbers = _numbers(table["_label"])
            table = table.append_column(_NUMBER, pa.array(numbers))
            score = table["_score"].to_numpy().astype(np.float64)
            return table.filter(pa.array(np.isfinite(numbers) & np.isfinite(score)))
        return table.filter(pc.and_(pc.is_valid(table["_label"]), pc.is_valid(table["_prediction"])))

    @cached_property
    def _recent(self) -> pa.Table | None:
        if self._usable is None:
            return None
        came = pc.cast(self._usable["_joined_at"], pa.timestamp("us"))
        since = pa.scalar(self._since.replace(tzinfo=None), pa.timestamp("us"))
        return self._usable.filter(pc.greater(came, since))

    @property
    def rows(self) -> Labelled:
        """Answers and truths whose labels came within the window."""
        return self._labelled(self._recent)

    @property
    def segments(self) -> Segments:
        """The columns of the same rows that are watched by segments."""
        table = self._recent
        if table is None:
            return {}
        return {
            name: SegmentedColumn(levels.cut, table[name].to_pylist())
            for name, levels in self._performance.segments.items()
            if name in table.column_names
        }

    @property
    def mistakes(self) -> Mistakes | None:
        """Mistakes among the predictions that no earlier check has seen a label of; None if there is no such label."""
        reference = self._performance.reference
        if self._usable is None or reference is None:
            return None
        table = self._usable.filter(self._usable[_FRESH])
        if not table.num_rows:
            return None
        times = table["_time"].to_numpy().astype("datetime64[us]")
        return reference.mistakes(self._labelled(table), columns_of(table, reference.columns), times)

    def _labelled(self, table: pa.Table | None) -> Labelled:
        problem, classes = self._performance.problem, self._performance.classes
        if table is None:
            return Labelled(problem, np.empty(0), np.empty(0), np.empty(0), classes)
        score = table["_score"].to_numpy().astype(np.float64)
        if problem == "regression":
            return Labelled(problem, table[_NUMBER].to_numpy(), score, score)
        truth, predicted = (
            np.asarray(table[name].to_numpy(), dtype=str) for name in ("_label", "_prediction")
        )
        return Labelled(problem, truth, predicted, score, classes)


def columns_of(table: pa.Table, names: list[str]) -> Mapping[str, Any]:
    """Return columns as a reference reads them, without those that the table does not have."""
    return {name: table[name].to_pandas() for name in names if name in table.column_names}


def _numbers(labels: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return labels as numbers; NaN where they are none."""
    return np.array([_number(label) for label in labels.to_pylist()], dtype=np.float64)


def _number(label: Any) -> float:
    try:
        return float(label)
    except (TypeError, ValueError):
        return float("nan")
