"""Collects the predictions whose labels came lately."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import Performance
from headrace.ml.quality.segments import SegmentedColumn, Segments

_NEEDED = ("_time", "_labelled_at", "_label", "_prediction", "_score")


class LabelledWindow:
    """Labelled predictions in the order of their time.

    Parameters
    ----------
    performance : Performance
        Says what is predicted, and which columns are watched by segments.
    since : datetime
        Labels that came before are left out.
    """

    def __init__(self, performance: Performance, since: datetime) -> None:
        self._performance, self._since = performance, since
        self._tables: list[pa.Table] = []

    @property
    def columns(self) -> list[str]:
        """What has to be read of a file."""
        return [*_NEEDED, *self._performance.segments]

    def add(self, table: pa.Table) -> None:
        """Add the rows of one file."""
        came = pc.cast(table["_labelled_at"], pa.timestamp("us"))
        since = pa.scalar(self._since.replace(tzinfo=None), pa.timestamp("us"))
        self._tables.append(table.filter(pc.greater(came, since)))

    @cached_property
    def _table(self) -> pa.Table | None:
        if not self._tables:
            return None
        table = pa.concat_tables(self._tables, promote_options="permissive")
        usable = self._usable(table)
        return table.filter(usable).sort_by("_time")

    def _usable(self, table: pa.Table) -> pa.ChunkedArray:
        """Tell which rows can be measured: with a label, and in a regression with numbers."""
        if self._performance.problem != "regression":
            return pc.and_(pc.is_valid(table["_label"]), pc.is_valid(table["_prediction"]))
        return pc.and_(
            pc.is_valid(_numbers(table["_label"])), pc.is_finite(pc.fill_null(table["_score"], np.nan))
        )

    @cached_property
    def rows(self) -> Labelled:
        """What was answered, and what was true."""
        problem, classes, table = self._performance.problem, self._performance.classes, self._table
        if table is None:
            empty = np.empty(0)
            return Labelled(problem, empty, empty, empty, classes)
        score = table["_score"].to_numpy().astype(np.float64)
        if problem == "regression":
            return Labelled(problem, _numbers(table["_label"]).to_numpy(), score, score)
        truth, predicted = (
            np.asarray(table[name].to_numpy(), dtype=str) for name in ("_label", "_prediction")
        )
        return Labelled(problem, truth, predicted, score, classes)

    @property
    def segments(self) -> Segments:
        """The columns that are watched by segments."""
        table = self._table
        if table is None:
            return {}
        return {
            name: SegmentedColumn(levels.cut, table[name].to_pylist())
            for name, levels in self._performance.segments.items()
            if name in table.column_names
        }


def _numbers(labels: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return labels as finite numbers; null where they are none."""
    values = []
    for label in labels.to_pylist():
        try:
            number = float(label)
        except (TypeError, ValueError):
            number = np.nan
        values.append(number if np.isfinite(number) else None)
    return pa.chunked_array([pa.array(values, pa.float64())])
