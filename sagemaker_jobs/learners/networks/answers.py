"""What a network's sums mean: labels by number, and a regression's numbers in the unit of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats, Ints, Labels
from headrace.ml.column_schema import Problem


@dataclass(frozen=True)
class Answers:
    """From sums to answers, and from targets to what sums should be.

    Parameters
    ----------
    classes : tuple of str
        The labels, sorted; empty in a regression.
    centre, scale : float
        Of a regression's target: a sum of 0 is `centre`, and of 1 `centre` + `scale`.
    """

    classes: tuple[str, ...] = ()
    centre: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, problem: Problem, target: Floats | Labels, weights: Floats | None) -> Answers:
        """Learn labels, or the mean and the standard deviation of the training rows.

        Examples
        --------
        >>> Answers.of("regression", np.array([1.0, 3.0]), None)
        Answers(classes=(), centre=2.0, scale=1.0)
        """
        if problem != "regression":
            return cls(tuple(map(str, np.unique(target))))
        numbers = np.asarray(target, dtype=np.float64)
        centre = float(np.average(numbers, weights=weights))
        spread = float(np.sqrt(np.average(np.square(numbers - centre), weights=weights)))
        return cls((), centre, spread or 1.0)

    @property
    def outputs(self) -> int:
        """How many sums there are."""
        return len(self.classes) or 1

    def aims(self, target: Floats | Labels) -> Floats | Ints:
        """Return what the network is to say: the number of a label, -1 if it is not known; or the scaled target."""
        if not self.classes:
            scaled: Floats = (np.asarray(target, dtype=np.float64) - self.centre) / self.scale
            return scaled
        places = np.searchsorted(self.classes, target).clip(0, len(self.classes) - 1)
        known = np.asarray(self.classes)[places] == target
        return np.where(known, places, -1).astype(np.int64)

    def answers(self, sums: Any) -> Floats:
        """Return numbers of shape (n_rows,), or probabilities of shape (n_rows, n_classes)."""
        exact = np.asarray(sums, dtype=np.float64)
        if not self.classes:
            return exact[:, 0] * self.scale + self.centre
        powers = np.exp(exact - exact.max(axis=1, keepdims=True))
        shares: Floats = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def loss(self, sums: Any, aims: Floats | Ints, weights: Floats | None) -> float:
        """Return the mean squared error of scaled numbers, or the mean log loss in nats; rows of unknown labels are left out."""
        exact = np.asarray(sums, dtype=np.float64)
        if not self.classes:
            return float(np.average(np.square(exact[:, 0] - aims), weights=weights))
        known = np.flatnonzero(aims >= 0)
        if not len(known):
            return 0.0
        highest = exact.max(axis=1)
        logs = highest + np.log(np.exp(exact - highest[:, None]).sum(axis=1))
        places = aims[known].astype(np.int64)
        chosen = None if weights is None else weights[known]
        if chosen is not None and not chosen.sum():
            chosen = None
        return float(np.average(logs[known] - exact[known, places], weights=chosen))
