"""Whether two engines answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.predictions import is_positive
from headrace.ml.rows import Columns
from sagemaker_jobs.model import Predictor

MOST_DIFFERENCE = 1e-5
"""Between probabilities; in a regression, relative to the number."""

MOST_COMPARED = 20_000
"""Rows of a part by which engines are compared."""

_NEARLY_ZERO = 1e-3  # share of a typical number, below which a number counts as that


@dataclass(frozen=True)
class Agreement:
    """How far the answers of two engines to the same rows are from each other.

    Parameters
    ----------
    rows : int
        That both answered.
    refused : int
        Rows that the first engine does not answer at all, such as numbers beyond float32 to a forest.
    other_labels : int
        Rows that are answered another label; 0 in a regression.
    difference : float
        The largest one between probabilities, or between numbers, relative to them; infinite where only one answers a number.
    """

    rows: int = 0
    refused: int = 0
    other_labels: int = 0
    difference: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether all labels are the same, and no difference is larger than 1e-5."""
        return self.other_labels == 0 and self.difference <= MOST_DIFFERENCE

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        difference = self.difference if np.isfinite(self.difference) else None
        return {
            "rows": self.rows,
            "refused": self.refused,
            "other_labels": self.other_labels,
            "difference": difference,
        }

    def __add__(self, other: Agreement) -> Agreement:
        """Return what holds for the rows of both."""
        return Agreement(
            self.rows + other.rows,
            self.refused + other.refused,
            self.other_labels + other.other_labels,
            max(self.difference, other.difference),
        )


def compare(reference: Predictor, engine: Predictor, batches: Sequence[Columns]) -> Agreement:
    """Ask two engines the same.

    Parameters
    ----------
    reference : Predictor
        Whose answers are right.
    engine : Predictor
        Whose answers are measured.
    batches : sequence of dict of str to ndarray
        Typed columns, which are asked together; if the reference refuses them with ``ValueError``, one half after the other,
        down to single batches. What it refuses is not compared.
    """
    columns = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    right = _right(reference, columns)
    if right is not None:
        return agreement(right, engine.predict(columns), reference.threshold)
    if len(batches) == 1:
        return Agreement(refused=len(next(iter(columns.values()))))
    half = len(batches) // 2
    return compare(reference, engine, batches[:half]) + compare(reference, engine, batches[half:])


def compare_answers(reference: Predictor, columns: Columns, answers: Floats) -> Agreement:
    """Compare what an engine has answered to some rows with what another one answers, whose answers are right."""
    right = _right(reference, columns)
    if right is None:
        return Agreement(refused=len(answers))
    return agreement(right, answers, reference.threshold)


def _right(reference: Predictor, columns: Columns) -> Floats | None:
    """Return the right answers; None where rows are refused."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return reference.predict(columns)
    except ValueError:
        return None


def agreement(right: Floats, answers: Floats, threshold: float | None = None) -> Agreement:
    """Compare answers to the same rows.

    Parameters
    ----------
    right, answers : ndarray of shape (n_rows,) or (n_rows, n_classes)
        Numbers, or probabilities. A number that is nearly 0 is compared with a thousandth of the median one.
    threshold : float, optional
        Of two labels: the probability from which the second one is answered.

    Examples
    --------
    >>> agreement(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([[0.25, 0.75], [0.49, 0.51]])).as_dict()
    {'rows': 2, 'refused': 0, 'other_labels': 1, 'difference': 0.01}
    >>> agreement(np.array([200.0]), np.array([201.0])).holds
    False
    """
    # What comes of a sum that overflows, infinity or none, depends on the order of adding: neither is a number.
    same = (right == answers) | ~(np.isfinite(right) | np.isfinite(answers))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        size = _size(right) if right.ndim == 1 else 1.0
        differences = np.where(same, 0.0, np.abs(right - answers) / size)
    differences = np.where(np.isnan(differences), np.inf, differences)
    labels = (
        0 if right.ndim == 1 else int((_answered(right, threshold) != _answered(answers, threshold)).sum())
    )
    return Agreement(len(right), 0, labels, float(round(differences.max(initial=0.0), 12)))


def _answered(probabilities: Floats, threshold: float | None) -> Ints:
    places: Ints = (
        probabilities.argmax(axis=1)
        if threshold is None
        else is_positive(probabilities, threshold).astype(np.int64)
    )
    return places


def _size(right: Floats) -> Floats:
    """Return to what a difference of numbers is relative."""
    sizes = np.abs(right)
    present = sizes[np.isfinite(sizes)]
    return np.maximum(sizes, _NEARLY_ZERO * np.median(present) if len(present) else 0.0)
