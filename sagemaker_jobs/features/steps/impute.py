"""Fills missing cells, and says on request which were."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from sagemaker_jobs.features.levels import ranked_levels
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features, Step, Target


@feature_step("impute")
class Impute(Step):
    """Puts the column's median, mean or most frequent value, or a constant, where nothing is.

    Parameters
    ----------
    strategy : {"median", "mean", "most_frequent", "constant"}
        Categories know no median and no mean: they take the most frequent.
    value : float or str or None
        The constant.
    indicator : bool
        Whether ``<column>:missing`` is added, 1 where nothing was.

    Attributes
    ----------
    fill_ : dict of str to (float or str or None)
        By column; a column without any value in training keeps its gaps, but for a constant.
    """

    takes = ("number", "boolean", "category")

    def __init__(
        self, strategy: str = "median", value: float | str | None = None, indicator: bool = False
    ) -> None:
        self.strategy = strategy
        self.value = value
        self.indicator = indicator

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn the fillings."""
        self.fill_ = {name: self._filling(kind, values) for name, (kind, values) in features.items()}
        return self

    def transform(self, features: Features) -> Features:
        """Return the columns without gaps."""
        made: Features = {}
        for name, (kind, values) in features.items():
            missing = pd.isna(values)
            made[name] = Feature(kind, self._filled(self.fill_[name], values, missing))
            if self.indicator:
                made[f"{name}:missing"] = Feature(READY, missing.astype(np.float64))
        return made

    def _filling(self, kind: str, values: np.ndarray[Any, Any]) -> float | str | None:
        if self.strategy == "constant":
            return str(self.value) if kind == "category" else float(self.value or 0)
        if kind == "category":
            return next(iter(ranked_levels(values, 1)), None)
        present = values[~np.isnan(values)]
        if not len(present):
            return None
        if self.strategy == "most_frequent":
            found, counts = np.unique(present, return_counts=True)
            return float(found[np.argmax(counts)])
        return float(np.median(present) if self.strategy == "median" else np.mean(present))

    @staticmethod
    def _filled(fill: float | str | None, values: np.ndarray[Any, Any], missing: Any) -> Any:
        if fill is None or not missing.any():
            return values
        filled = values.copy()
        filled[missing] = fill
        return filled
