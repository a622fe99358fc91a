"""Figures of each group of rows, on rows that count as often as weights say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.contract import Problem
from headrace.ml.evaluation.many_labels import ManyLabels
from headrace.ml.evaluation.ranking import ratio
from headrace.ml.predictions import Predictions, is_positive

Figures = dict[str, tuple[Floats, Floats]]
"""By name: the figure of each group, NaN where it has none, and of how many rows it is."""


class GroupFigures(Protocol):
    """Rows in groups, prepared once for all weights."""

    def weighted(self, weights: Floats | None) -> Figures:
        """Return the figures if each row counts as often as `weights`, of shape (n_rows,), say; None counts each once."""
        ...


def figures_of(problem: Problem, predictions: Predictions, codes: Ints, groups: int) -> GroupFigures:
    """Prepare the rows of `groups` groups; `codes` says which group each row is in.

    Examples
    --------
    >>> answers = Predictions(np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 2.0]))
    >>> found = figures_of("regression", answers, np.array([0, 0, 1]), 2).weighted(None)
    >>> found["mean_error"][0].tolist(), found["mean_error"][1].tolist()
    ([0.5, -1.0], [2.0, 1.0])
    """
    if problem == "binary":
        return _TwoLabels.of(predictions, codes, groups)
    if problem == "multiclass":
        return _ManyLabels.of(predictions, codes, groups)
    errors = predictions.values - np.asarray(predictions.truth, dtype=np.float64)
    return _Numbers(errors, codes, groups)


@dataclass(frozen=True)
class _TwoLabels:
    cells: Ints
    groups: int

    @classmethod
    def of(cls, predictions: Predictions, codes: Ints, groups: int) -> _TwoLabels:
        positive = predictions.truth == predictions.classes[1]
        named = is_positive(predictions.values, predictions.threshold)
        return cls(codes * 4 + 2 * positive + named, groups)

    def weighted(self, weights: Floats | None) -> Figures:
        """Return shares: answered positive, of positive and of negative rows answered so, answered rightly."""
        counts = np.bincount(self.cells, weights, minlength=4 * self.groups).reshape(-1, 4)
        rejections, alarms, misses, hits = counts.astype(np.float64).T
        positives, negatives = hits + misses, alarms + rejections
        rows = positives + negatives
        return {
            "selection_rate": (ratio(hits + alarms, rows), rows),
            "tpr": (ratio(hits, positives), positives),
            "fpr": (ratio(alarms, negatives), negatives),
            "accuracy": (ratio(hits + rejections, rows), rows),
        }


@dataclass(frozen=True)
class _ManyLabels:
    truth: Ints
    answered: Ints
    codes: Ints
    groups: int
    labels: int

    @classmethod
    def of(cls, predictions: Predictions, codes: Ints, groups: int) -> _ManyLabels:
        rows = ManyLabels(predictions)
        return cls(rows.truth, rows.answered, codes, groups, len(rows.labels))

    def weighted(self, weights: Floats | None) -> Figures:
        """Return the share answered rightly, and the plain mean of the F1 of the labels that occur in the group."""
        right = (self.truth == self.answered) * (1.0 if weights is None else weights)
        hits, true, named = (
            self._counted(self.truth, right),
            self._counted(self.truth, weights),
            self._counted(self.answered, weights),
        )
        rows = true.sum(axis=1)
        present = true + named > 0
        f1 = (ratio(2 * hits, true + named, 0.0) * present).sum(axis=1)
        return {
            "accuracy": (ratio(hits.sum(axis=1), rows), rows),
            "f1_macro": (ratio(f1, present.sum(axis=1).astype(np.float64)), rows),
        }

    def _counted(self, labels: Ints, weights: Floats | None) -> Floats:
        places, size = self.codes * self.labels + labels, self.groups * self.labels
        return np.bincount(places, weights, minlength=size).astype(np.float64).reshape(self.groups, -1)


@dataclass(frozen=True)
class _Numbers:
    errors: Floats
    codes: Ints
    groups: int

    def weighted(self, weights: Floats | None) -> Figures:
        """Return the mean error, positive where answers are too high, and the root of the mean squared error."""
        factor = 1.0 if weights is None else weights
        rows, errors, squares = (
            np.bincount(self.codes, values * factor, minlength=self.groups).astype(np.float64)
            for values in (np.ones(len(self.errors)), self.errors, np.square(self.errors))
        )
        return {"mean_error": (ratio(errors, rows), rows), "rmse": (np.sqrt(ratio(squares, rows)), rows)}
