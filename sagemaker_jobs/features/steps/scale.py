"""Brings numbers to one scale."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler

from headrace.ml.arrays import Floats
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features, Step, Target

_SCALERS: dict[str, Any] = {
    "standard": StandardScaler,
    "robust": RobustScaler,
    "min_max": MinMaxScaler,
    "yeo_johnson": PowerTransformer,
}


@feature_step("scale")
class Scale(Step):
    r"""Scales each number by what the training rows say; missing cells stay missing.

    Parameters
    ----------
    method : {"standard", "robust", "min_max", "log", "yeo_johnson"}
        As scikit-learn's scaler of that name. ``log`` is sign(x) · ln(1 + \|x\|), which learns nothing and knows no forbidden
        number. ``yeo_johnson`` ends with mean 0 and standard deviation 1.

    Attributes
    ----------
    scalers_ : dict of str to scaler
        By column; none for a column that had no value in training, which becomes 0.
    """

    takes = ("number",)

    def __init__(self, method: str = "standard") -> None:
        self.method = method

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn middle and spread."""
        self.scalers_ = {}
        for name, (_, values) in features.items():
            if self.method != "log" and not np.isnan(values).all():
                self.scalers_[name] = _SCALERS[self.method]().fit(values.reshape(-1, 1))
        return self

    def transform(self, features: Features) -> Features:
        """Return the scaled numbers."""
        return {name: Feature(READY, self._scaled(name, values)) for name, (_, values) in features.items()}

    def _scaled(self, name: str, values: Floats) -> Floats:
        if self.method == "log":
            return np.sign(values) * np.log1p(np.abs(values))
        if name not in self.scalers_:
            return np.zeros(len(values))
        scaled: Floats = self.scalers_[name].transform(values.reshape(-1, 1))[:, 0]
        return scaled
