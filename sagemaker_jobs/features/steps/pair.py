"""Joins categories."""

from __future__ import annotations

import numpy as np

from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import Feature, Features, Step

BETWEEN = "\x1f"  # ASCII's unit separator, which no category holds


@feature_step("pair")
class Pair(Step):
    """Adds a category for each combination of categories; missing where one of them is."""

    takes = ("category",)
    beside = True

    def transform(self, features: Features) -> Features:
        """Return the combinations."""
        rows = zip(*(values for _, values in features.values()), strict=True)
        joined = [None if None in row else BETWEEN.join(row) for row in rows]
        return {" & ".join(features): Feature("category", np.array(joined, dtype=object))}
