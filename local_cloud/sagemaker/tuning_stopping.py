"""Which trials of a tuning job are stopped early, and which objectives they are stopped by.

References
----------
.. [1] SageMaker developer guide, "Stop Training Jobs Early".
.. [2] Golovin, D. et al. (2017). Google Vizier. KDD 23, section 3.5.2, "Median Automated Stopping Rule".
.. [3] Li, L. et al. (2018). Hyperband. JMLR 18(185).
.. [4] Li, L. et al. (2020). A System for Massively Parallel Hyperparameter Tuning. MLSys 2, on deciding without waiting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Protocol

Curve = Sequence[float]
"""The objective after each epoch."""
_ETA = 3


@dataclass(frozen=True)
class Stop:
    """A verdict.

    Parameters
    ----------
    epoch : int
        After which the trial is stopped, from 1.
    trained : bool
        Whether it had all the epochs that a trial may have, so that it may still be the best one.
    """

    epoch: int
    trained: bool = False


class Stopper(Protocol):
    """A rule; it looks at objectives only, never at the clock."""

    def verdict(self, number: int, curve: Curve, earlier: Mapping[int, Curve]) -> Stop | None:
        """Say whether, and when, trial `number` is stopped, seen the curves of `earlier` trials."""
        ...


@dataclass(frozen=True)
class MedianRule:
    """Stops a trial whose objective is worse than the median of the earlier trials' running averages.

    Examples
    --------
    >>> rule = MedianRule(maximize=False)
    >>> rule.verdict(2, [0.5, 0.9], {0: [0.6, 0.4], 1: [0.8, 0.6]})
    Stop(epoch=2, trained=False)
    """

    maximize: bool

    def verdict(self, number: int, curve: Curve, earlier: Mapping[int, Curve]) -> Stop | None:
        """Compare epoch by epoch; an epoch that no earlier trial has reached decides nothing."""
        sign = 1 if self.maximize else -1
        for epoch, value in enumerate(curve, start=1):
            averages = [sum(c[:epoch]) / epoch for c in earlier.values() if len(c) >= epoch]
            averages = [average for average in averages if math.isfinite(average)]
            if averages and not sign * value >= sign * median(averages):  # NaN is worse than anything
                return Stop(epoch)
        return None


@dataclass(frozen=True)
class Hyperband:
    """Stops, at epochs that grow by a factor of three, the trials that are not among the best third.

    Trials are spread over brackets, which differ in the first of these epochs.

    Parameters
    ----------
    least, most : int
        Epochs that a trial has at least, and at most.
    maximize : bool
        Whether a larger objective is better.

    Examples
    --------
    >>> band = Hyperband(1, 9, maximize=True)
    >>> [band.rungs(bracket) for bracket in range(3)]
    [[1, 3], [3], []]
    >>> [band.bracket(number) for number in range(8)]
    [0, 1, 0, 2, 0, 1, 0, 2]
    >>> band.verdict(2, [0.1], {0: [0.5]})
    Stop(epoch=1, trained=False)
    >>> band.verdict(2, [0.9] * 9, {0: [0.5]})
    Stop(epoch=9, trained=True)
    """

    least: int
    most: int
    maximize: bool

    def rungs(self, bracket: int) -> list[int]:
        """Return the epochs at which trials of a bracket are compared."""
        epochs, epoch = [], self.least * _ETA**bracket
        while epoch < self.most:
            epochs.append(epoch)
            epoch *= _ETA
        return epochs

    def bracket(self, number: int) -> int:
        """Return the bracket of a trial: each gets its share of Hyperband's trials, in turn."""
        return _bracket(1 + len(self.rungs(0)), number)

    def verdict(self, number: int, curve: Curve, earlier: Mapping[int, Curve]) -> Stop | None:
        """Compare with the trials of the same bracket at each of its epochs."""
        sign, bracket = 1 if self.maximize else -1, self.bracket(number)
        rivals = [curve for other, curve in earlier.items() if self.bracket(other) == bracket]
        for epoch in self.rungs(bracket):
            if len(curve) < epoch:
                return None
            value = sign * curve[epoch - 1]
            better = sum(1 for c in rivals if len(c) >= epoch and sign * c[epoch - 1] > value)
            seen = 1 + sum(1 for c in rivals if len(c) >= epoch)
            if math.isnan(value) or better >= math.ceil(seen / _ETA):
                return Stop(epoch)
        return Stop(self.most, trained=True) if len(curve) >= self.most else None


@cache
def _bracket(brackets: int, number: int) -> int:
    """Return which of so many brackets the `number`-th trial belongs to, by a weighted round robin."""
    shares = [brackets * _ETA ** (brackets - 1 - b) / (brackets - b) for b in range(brackets)]
    credit = [0.0] * brackets
    chosen = 0
    for _ in range(number + 1):
        credit = [have + share for have, share in zip(credit, shares, strict=True)]
        chosen = max(range(brackets), key=lambda b: (credit[b], -b))
        credit[chosen] -= sum(shares)
    return chosen
