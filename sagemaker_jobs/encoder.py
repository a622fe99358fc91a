"""From typed columns to the matrix that estimators learn from. Fitted, and part of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from headrace.ml.arrays import Floats
from headrace.ml.rows import Columns

_SMALL = 2000
_MONTHS_PER_YEAR, _DAYS_PER_WEEK = 12, 7
_HOUR_US = 3_600_000_000
_MONDAY = 4  # 1 January 1970 was a Thursday
DATETIME_PARTS = ("hour", "weekday", "month")


class RowEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Writes a number for every cell; NaN where it is missing, and 0 in a column that had no value in training.

    Numbers and booleans stay. A moment becomes hour, weekday (Monday is 0) and month, because its date alone is never seen
    again. A category becomes the rank of its frequency in the training rows; those beyond `max_levels`, and categories
    that training has not seen, count as "other" if training had an other, else as missing.

    Parameters
    ----------
    names, kinds : list of str
        The schema, in order.
    max_levels : int
        Categories that are told apart in one column.

    Attributes
    ----------
    levels_ : dict of str to list of str
        Categories by column, the most frequent first.
    others_ : list of str
        Columns that had more than `max_levels`.
    empty_ : list of str
        Columns that had no value: nothing was learned from them, and estimators refuse them.
    """

    def __init__(self, names: list[str], kinds: list[str], max_levels: int = 250) -> None:
        self.names = names
        self.kinds = kinds
        self.max_levels = max_levels

    def fit(self, columns: Columns, y: object = None) -> Self:
        """Learn the categories."""
        empty = [name for name in self.names if bool(pd.isna(columns[name]).all())]
        return self.learn({name: category_counts(columns[name]) for name in self.categories}, empty)

    @property
    def categories(self) -> list[str]:
        """The columns that hold categories."""
        return [name for name, kind in zip(self.names, self.kinds, strict=True) if kind == "category"]

    def learn(self, counted: Mapping[str, Mapping[Any, int]], empty: list[str]) -> Self:
        """Learn from how often each category occurs, by column, and from which columns had no value at all."""
        self.levels_: dict[str, list[str]] = {}
        self.others_: list[str] = []
        self.empty_ = empty
        for name, counts in counted.items():
            ranked = sorted(counts, key=lambda level: (-counts[level], level))
            self.levels_[name] = [str(level) for level in ranked[: self.max_levels]]
            if len(ranked) > self.max_levels:
                self.others_.append(name)
        return self

    def transform(self, columns: Columns) -> Floats:
        """Return the matrix, of shape (n_rows, n_columns)."""
        encoded: list[Floats] = []
        for name, kind in zip(self.names, self.kinds, strict=True):
            values = columns[name]
            if name in self.empty_:
                parts = len(DATETIME_PARTS) if kind == "datetime" else 1
                encoded.extend(np.zeros(len(values)) for _ in range(parts))
            elif kind == "category":
                encoded.append(self._codes(name, values))
            elif kind == "datetime":
                encoded.extend(datetime_parts(values))
            else:
                encoded.append(values)
        return np.column_stack(encoded)

    def columns_out(self) -> list[str]:
        """Return the names of the matrix's columns."""
        return [
            f"{name}:{part}" if part else name
            for name, kind in zip(self.names, self.kinds, strict=True)
            for part in (DATETIME_PARTS if kind == "datetime" else ("",))
        ]

    def is_category(self) -> list[bool]:
        """Tell which of the matrix's columns hold the codes of categories."""
        return [
            kind == "category"
            for kind in self.kinds
            for _ in (DATETIME_PARTS if kind == "datetime" else ("",))
        ]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the tables that are made when first needed."""
        return {name: value for name, value in super().__getstate__().items() if name != "_tables"}

    def _codes(self, name: str, values: np.ndarray[Any, Any]) -> Floats:
        table, other = self._lookup(name)
        if len(values) <= _SMALL:
            return np.array([table.get(value, other) for value in values], dtype=np.float64)
        codes, found = pd.factorize(values, use_na_sentinel=True)
        numbers = np.array([table.get(value, other) for value in found] + [np.nan], dtype=np.float64)
        return numbers[codes]

    def _lookup(self, name: str) -> tuple[dict[Any, float], float]:
        """Return code by category, and the code of any other."""
        tables: dict[str, tuple[dict[Any, float], float]] = self.__dict__.setdefault("_tables", {})
        if name not in tables:
            levels = self.levels_[name]
            table: dict[Any, float] = {level: float(code) for code, level in enumerate(levels)}
            table[None] = np.nan
            tables[name] = table, float(len(levels)) if name in self.others_ else np.nan
        return tables[name]


def category_counts(values: np.ndarray[Any, Any]) -> dict[Any, int]:
    """Return how often each category occurs; missing cells do not count.

    Examples
    --------
    >>> category_counts(np.array(["b", "a", "b", None], dtype=object))
    {'b': 2, 'a': 1}
    """
    counts: dict[Any, int] = pd.Series(values, dtype=object).value_counts().to_dict()
    return counts


def datetime_parts(moments: np.ndarray[Any, Any]) -> list[Floats]:
    """Return hour (with its minutes as a fraction), weekday and month of moments in UTC; NaN where there is none.

    Examples
    --------
    >>> [part.tolist() for part in datetime_parts(np.array(["2011-01-31T10:30", "NaT"], dtype="datetime64[us]"))]
    [[10.5, nan], [0.0, nan], [1.0, nan]]
    """
    missing = np.isnat(moments)
    microseconds = moments.astype("datetime64[us]").astype(np.int64)
    days = moments.astype("datetime64[D]").astype(np.int64)
    months = moments.astype("datetime64[M]").astype(np.int64)
    parts = (
        (microseconds % (24 * _HOUR_US)) / _HOUR_US,
        (days + _MONDAY - 1) % _DAYS_PER_WEEK,
        months % _MONTHS_PER_YEAR + 1,
    )
    return [np.where(missing, np.nan, part.astype(np.float64)) for part in parts]
