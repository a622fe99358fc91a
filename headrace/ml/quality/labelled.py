"""Predictions whose labels have come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.ml.arrays import Flags, Floats, Labels
from headrace.ml.column_schema import Problem
from headrace.ml.metrics import Predictions


@dataclass(frozen=True)
class Labelled:
    """Answers and truths of the same rows, in the order in which the predictions were made.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    truth, predicted : ndarray of shape (n_rows,)
        Numbers in a regression, labels as text otherwise.
    score : ndarray of shape (n_rows,)
        Regression: the number; binary: the probability of the positive label; multiclass: that of the answered label.
        NaN where it is not known.
    classes : tuple of str
        The model's labels, sorted; empty in a regression. The second of two is the positive one.
    """

    problem: Problem
    truth: Floats | Labels
    predicted: Floats | Labels
    score: Floats
    classes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.truth)

    @property
    def loss(self) -> Floats:
        """What each row costs: whether the answer was wrong, or in a regression the absolute error."""
        if self.problem == "regression":
            return np.abs(np.asarray(self.truth, dtype=np.float64) - self.score)
        wrong: Floats = np.asarray(self.truth != self.predicted, dtype=np.float64)
        return wrong

    @property
    def positive(self) -> Flags:
        """Which rows are positive to a reference of labels: with two labels the second, with more what was answered right."""
        flags: Flags = self.truth == (self.classes[1] if self.problem == "binary" else self.predicted)
        return flags

    def __getitem__(self, chosen: Any) -> Labelled:
        """Return some rows, by index or flag."""
        return Labelled(
            self.problem, self.truth[chosen], self.predicted[chosen], self.score[chosen], self.classes
        )

    @classmethod
    def of(cls, problem: Problem, answers: Predictions) -> Labelled:
        """Return a model's own answers in the form in which they are recorded in production."""
        if problem == "regression":
            return cls(problem, answers.truth, answers.values, answers.values)
        labels = answers.labels
        score = answers.values[:, 1] if problem == "binary" else answers.values.max(axis=1)
        return cls(problem, answers.truth, labels, score, answers.classes)
