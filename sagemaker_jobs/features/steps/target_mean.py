"""Writes what the target is on average where the category is.

References
----------
.. [1] Micci-Barreca, D. (2001). A preprocessing scheme for high-cardinality categorical attributes in classification and
   prediction problems. ACM SIGKDD Explorations 3(1): smoothing towards the mean of all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from headrace.ml.arrays import Floats
from sagemaker_jobs.features.levels import places
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features, Step, Target


@feature_step("target_mean")
class TargetMean(Step):
    """Writes the smoothed mean of the target in the row's category: (sum + smoothing · prior) / (rows + smoothing).

    A training row is told what the other folds know, because its own target would give the answer away. With labels there
    is a mean, the share of the label, for every label but the first. A category that is missing or not known has the prior,
    the mean over all rows.

    Parameters
    ----------
    smoothing : float
        How many rows the prior weighs.
    folds : int
        Training rows are dealt to the folds in turn, so that the same rows give the same model.

    Attributes
    ----------
    labels_ : list of str
        All but the first, sorted; empty in a regression.
    priors_ : list of float
        One per mean.
    levels_ : dict of str to list of str
        Categories by column.
    means_ : dict of str to ndarray of shape (n_levels, n_means)
        By column.
    """

    takes = ("category",)

    def __init__(self, smoothing: float = 20.0, folds: int = 5) -> None:
        self.smoothing = smoothing
        self.folds = folds

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn the means of all rows."""
        answers = self._answers(target)
        self.priors_ = answers.mean(axis=0).tolist()
        self.levels_: dict[str, list[str]] = {}
        self.means_: dict[str, Floats] = {}
        for name, (_, values) in features.items():
            self.levels_[name], self.means_[name] = self._means(values, answers)
        return self

    def transform(self, features: Features) -> Features:
        """Return the means of the rows' categories."""
        return {
            name: Feature(READY, _looked_up(values, self._table(name), self.priors_))
            for name, (_, values) in features.items()
        }

    def fit_transform(self, features: Features, target: Target | None = None) -> Features:
        """Learn from all rows, and tell each what the folds know that it is not in."""
        self.fit(features, target)
        answers = self._answers(target)
        fold = np.arange(len(answers)) % self.folds
        made: Features = {}
        for name, (_, values) in features.items():
            block = np.empty(answers.shape)
            for number in range(min(self.folds, len(answers))):
                inside, outside = fold == number, fold != number
                levels, means = self._means(values[outside], answers[outside])
                prior = answers[outside].mean(axis=0).tolist()
                block[inside] = _looked_up(values[inside], (places(levels), means), prior)
            made[name] = Feature(READY, block)
        return made

    def _answers(self, target: Target | None) -> Floats:
        """Return what is averaged, of shape (n_rows, n_means)."""
        values = np.asarray(target)
        if values.dtype.kind == "f":
            self.labels_: list[str] = []
            return values.reshape(-1, 1)
        self.labels_ = sorted(map(str, set(values.tolist())))[1:]
        return np.column_stack([values == label for label in self.labels_]).astype(np.float64)

    def _table(self, name: str) -> tuple[dict[str, int], Floats]:
        return self.kept(name, lambda: places(self.levels_[name])), self.means_[name]

    def _means(self, values: np.ndarray[Any, Any], answers: Floats) -> tuple[list[str], Floats]:
        prior = answers.mean(axis=0)
        codes, found = pd.factorize(values, use_na_sentinel=True)
        present = codes >= 0
        counts = np.bincount(codes[present], minlength=len(found)).reshape(-1, 1)
        sums = np.column_stack(
            [
                np.bincount(codes[present], weights=answer[present], minlength=len(found))
                for answer in answers.T
            ]
        )
        means = (sums + self.smoothing * prior) / np.maximum(counts + self.smoothing, np.finfo(float).tiny)
        order = np.argsort(found.astype(str))
        return [str(level) for level in found[order]], means[order]


def _looked_up(
    values: np.ndarray[Any, Any], table: tuple[dict[str, int], Floats], priors: Sequence[float]
) -> Floats:
    levels, means = table
    rows = np.array([levels.get(value, len(levels)) for value in values], dtype=np.int64)
    found = means[np.minimum(rows, len(levels) - 1)] if len(levels) else np.empty((len(rows), len(priors)))
    return np.where((rows < len(levels))[:, None], found, np.asarray(priors))
