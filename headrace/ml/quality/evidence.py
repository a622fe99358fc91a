"""Mistakes, and how many were expected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats


@dataclass(frozen=True)
class Expectation:
    """How many mistakes the reference lets expect, and how sure that is.

    Parameters
    ----------
    rate : float
        Share of mistakes, in (0, 1).
    information : float
        Sum of p (1 - p) over the reference's rows, divided by their inflation: the inverse variance of its log odds.
    inflation : float
        How many rows weigh as much as one independent row; at least 1.
    """

    rate: float
    information: float
    inflation: float = 1.0

    @classmethod
    def of(cls, expected: Floats, rows: Floats, inflation: float) -> Self:
        """Sum up a reference.

        Parameters
        ----------
        expected, rows : ndarray of shape (n_groups,)
            Probability of a mistake, and rows, by group.
        inflation : float
            How many rows weigh as much as one independent row; at least 1.

        Examples
        --------
        >>> Expectation.of(np.array([0.2]), np.array([1000.0]), 1.0)
        Expectation(rate=0.2, information=160.0, inflation=1.0)
        """
        total = float(rows.sum())
        rate = float((rows * expected).sum()) / total
        variance = float((rows * expected * (1 - expected)).sum())
        return cls(min(max(rate, _LEAST), 1 - _LEAST), max(variance, _LEAST) / inflation, inflation)


@dataclass(frozen=True)
class Evidence:
    """Some predictions added up: how many, how many mistakes, how many were expected, and the variance of that."""

    rows: int = 0
    wrong: int = 0
    expected: float = 0.0
    variance: float = 0.0

    def __add__(self, other: Evidence) -> Evidence:
        """Return both together."""
        return Evidence(
            self.rows + other.rows,
            self.wrong + other.wrong,
            self.expected + other.expected,
            self.variance + other.variance,
        )

    @property
    def wrong_share(self) -> float:
        """Share of mistakes, in [0, 1]; 0 of no predictions."""
        return self.wrong / max(1, self.rows)

    @property
    def expected_share(self) -> float:
        """Share of mistakes that was expected, in [0, 1]; 0 of no predictions."""
        return self.expected / max(1, self.rows)

    @property
    def surprise(self) -> float:
        """Log likelihood ratio of the share of mistakes against what was expected, in nats, where it is higher; else 0.

        Examples
        --------
        >>> round(Evidence(400, 160, 80.0, 64.0).surprise, 1), Evidence(400, 40, 80.0, 64.0).surprise
        (41.9, 0.0)
        """
        if self.wrong <= self.expected:
            return 0.0
        right, unexpected = self.rows - self.wrong, self.rows - self.expected
        of_right = right * math.log(right / unexpected) if right else 0.0
        return self.wrong * math.log(self.wrong / self.expected) + of_right


@dataclass(frozen=True)
class Mistakes:
    """Labelled predictions in the order of their time.

    Parameters
    ----------
    wrong : ndarray of shape (n_rows,)
        1 where the answer was a mistake, else 0.
    expected : ndarray of shape (n_rows,)
        Probability that it is one, in (0, 1).
    times : ndarray of datetime64, of shape (n_rows,)
        Of the predictions, in UTC.
    """

    wrong: Floats
    expected: Floats
    times: np.ndarray[Any, np.dtype[np.datetime64]]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.wrong)

    def __getitem__(self, part: slice) -> Mistakes:
        """Return those of some rows."""
        return Mistakes(self.wrong[part], self.expected[part], self.times[part])

    @property
    def first_time(self) -> str | None:
        """Time of the first prediction, ISO 8601; None if there is none."""
        return str(np.datetime_as_string(self.times[0], unit="s")) if len(self) else None

    @property
    def evidence(self) -> Evidence:
        """All of them, added up."""
        return Evidence(
            len(self),
            int(self.wrong.sum()),
            float(self.expected.sum()),
            float((self.expected * (1 - self.expected)).sum()),
        )


_LEAST = 1e-3
