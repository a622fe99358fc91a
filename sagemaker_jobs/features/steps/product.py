"""Multiplies numbers."""

from __future__ import annotations

import numpy as np

from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import Feature, Features, Step


@feature_step("product")
class Product(Step):
    """Adds the product of two or three numbers; missing where one of them is."""

    takes = ("number", "boolean")
    beside = True

    def transform(self, features: Features) -> Features:
        """Return the product."""
        product = np.prod([values for _, values in features.values()], axis=0)
        return {" * ".join(features): Feature("number", product)}
