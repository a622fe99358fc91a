"""Finds the two answers that a request and its copy have got."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.captured_cells import typed_cells
from headrace.ml.profile import Profile
from headrace.ml.release.shadow import Agreement
from lambdas.judge_release.memory import Memory

MOST_WAITING = 5000
"""Requests that wait for their other answer from one look to the next; of more, the latest."""

MOST_ALIKE = 100
"""Of them with the same question: they have the same answers, so more of them tell nothing more."""

_Waiting = tuple[str, list[str | None], list[float]]
_Given = tuple[list[str | None], list[float]]


@dataclass
class Pairing:
    """Requests that wait for their other answer, and how those agree that have found it.

    A request and its copy are known by what they ask. SageMaker does not say which of the ids that it captures they have
    in common; and two requests that ask the same get the same answers of a model, so either may stand for the other.

    Parameters
    ----------
    agreement : Agreement
        So far.
    numbers : bool
        Whether the answers are numbers.
    """

    agreement: Agreement
    numbers: bool
    _waiting: dict[str, deque[_Waiting]]
    _paired: list[tuple[_Given, _Given]] = field(default_factory=list)

    @classmethod
    def of(cls, memory: Memory, bins: Profile) -> Self:
        """Go on from what the last look has left."""
        prediction = bins.features[0]
        numbers = prediction.kind == "number"
        unit = (prediction.sd or 1.0) if numbers else 1.0
        waiting = {
            request: deque((role, labels, scores) for role, labels, scores in answers)
            for request, answers in memory.unpaired.items()
        }
        return cls(memory.agreement or Agreement(unit=unit), numbers, waiting)

    def add(self, role: str, request: str, labels: list[str | None], scores: list[float]) -> None:
        """Add one answer."""
        waiting = self._waiting.setdefault(request, deque())
        if not waiting or waiting[0][0] == role:
            if len(waiting) < MOST_ALIKE:
                waiting.append((role, labels, scores))
            return
        _, other_labels, other_scores = waiting.popleft()
        if not waiting:
            del self._waiting[request]
        if len(other_labels) == len(labels):
            pair = (other_labels, other_scores), (labels, scores)
            self._paired.append(pair if role == "challenger" else pair[::-1])

    def compare(self) -> None:
        """Compare the pairs that were found since the last time."""
        old, new = (self._column([pair[side] for pair in self._paired]) for side in (0, 1))
        self.agreement = self.agreement.add(old, new, numbers=self.numbers)
        self._paired.clear()

    def _column(self, given: Sequence[_Given]) -> tuple[list[Any], Floats]:
        """Return the answers to all rows, labels as a model reads them."""
        labels = [label for labels, _ in given for label in labels]
        scores = [score for _, scores in given for score in scores]
        return (
            typed_cells(labels, "number" if self.numbers else "category").tolist(),
            np.array(scores, dtype=np.float64),
        )

    def waiting(self) -> dict[str, list[Any]]:
        """Return what waits on, as JSON has it."""
        latest = list(self._waiting.items())[-MOST_WAITING:]
        return {request: [list(answer) for answer in answers] for request, answers in latest}
