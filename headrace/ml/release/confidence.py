"""Means of bounded values, with intervals that hold however often one looks at them.

An interval of 95 % for one look is wrong far more often if somebody looks after every batch and stops as soon as it excludes
zero. These hold at all looks together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from headrace.ml.arrays import Floats

Verdict = Literal["better", "worse", "open"]

_BETS: Floats = 0.5 ** np.arange(1.0, 9.0)
"""Shares of the largest bet, each half of the one before: one of them fits, from ten values to some millions."""

_PENALTIES: Floats = -np.log1p(-_BETS) - _BETS
_BISECTIONS = 60


@dataclass(frozen=True)
class Sums:
    """All that is kept of values: what has been seen once is not read again.

    Parameters
    ----------
    count : int
        How many values.
    total, squares : float
        Their sum, and that of their squares.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Add up values."""
        return cls(len(values), float(values.sum()), float(np.square(values).sum()))

    def __add__(self, other: Sums) -> Sums:
        """Return the sums of both."""
        return Sums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    def scaled(self, factor: float) -> Sums:
        """Return the sums of the values times a factor."""
        return Sums(self.count, self.total * factor, self.squares * factor**2)

    @property
    def mean(self) -> float:
        """Their mean, NaN without any."""
        return self.total / self.count if self.count else math.nan

    def as_dict(self) -> dict[str, Any]:
        """Return them as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(int(document["count"]), float(document["total"]), float(document["squares"]))


@dataclass(frozen=True)
class Reach:
    """How far values may lie from 0: `below` it and `above` it, both positive."""

    below: float
    above: float


@dataclass(frozen=True)
class Interval:
    """Where a mean is, in the unit of the values; infinite ends say that nothing is known."""

    low: float
    high: float


def log_evidence(sums: Sums, mean: float, reach_below: float) -> float:
    r"""Return the logarithm of the evidence that the mean of the values is larger than `mean`.

    The evidence is what a gambler owns who began with 1 and bet on larger values, at odds that are fair or worse if the mean
    is `mean` or less. So at whatever moment one looks, it exceeds :math:`1 / \alpha` with a probability of at most
    :math:`\alpha` then (Ville). For values :math:`x_i \ge -c` and a bet :math:`0 < \lambda < 1 / c` it is [1]_

    .. math:: \exp\Bigl(\lambda \bigl(\sum_i x_i - n \mu\bigr)
        - \frac{-\log(1 - c \lambda) - c \lambda}{c^2} \sum_i x_i^2\Bigr),

    the empirical-Bernstein process of Howard and others [2]_ with 0 for the prediction of each value. Here it is the mean over
    eight bets, each half of the one before (a discrete mixture), since the right bet depends on what nobody knows yet.

    The values need not be independent nor have one mean: what is tested is the average of the means that each had, given all
    that went before.

    Parameters
    ----------
    sums : Sums
        Of the values so far.
    mean : float
        What is tested.
    reach_below : float
        How far below 0 a value may lie at most, above 0.

    Returns
    -------
    float
        0 without values; 3 is the limit of a one-sided test at 5 %, 3.7 at 2.5 %.

    References
    ----------
    .. [1] Fan, X., Grama, I. and Liu, Q. (2015). Exponential inequalities for martingales with applications. Electronic
       Journal of Probability 20.
    .. [2] Howard, S. R., Ramdas, A., McAuliffe, J. and Sekhon, J. (2021). Time-uniform, nonparametric, nonasymptotic
       confidence sequences. Annals of Statistics 49.

    Examples
    --------
    Of a hundred throws of a coin 70 were heads, counted as 1, and tails as -1:

    >>> round(log_evidence(Sums(100, 40.0, 100.0), 0.0, 1.0), 1)
    4.3
    """
    bets = _BETS / reach_below
    penalties = _PENALTIES / reach_below**2
    logs = bets * (sums.total - sums.count * mean) - penalties * sums.squares
    largest = float(logs.max())
    return largest + math.log(float(np.exp(logs - largest).mean()))


def mean_interval(sums: Sums, reach: Reach, error: float) -> Interval:
    """Return where the mean is, at every look together with a probability of at least 1 - `error`.

    Parameters
    ----------
    sums : Sums
        Of the values so far.
    reach : Reach
        How far values may lie from 0.
    error : float
        Accepted chance that the interval ever misses the mean, shared by its two ends; above 0, below 1.

    Returns
    -------
    Interval
        Never wider than the reach.

    Examples
    --------
    >>> found = mean_interval(Sums(100, 40.0, 100.0), Reach(1.0, 1.0), 0.05)
    >>> round(found.low, 2), round(found.high, 2)
    (0.03, 0.77)
    """
    limit = -math.log(error / 2.0)
    high = -_least_mean(sums.scaled(-1.0), Reach(reach.above, reach.below), limit)
    return Interval(_least_mean(sums, reach, limit), high)


@dataclass(frozen=True)
class Differences:
    """What a new model lost more than the one in service, as sums.

    Parameters
    ----------
    sums : Sums
        Of the differences.
    reach : Reach
        How far one may lie from 0.
    """

    sums: Sums
    reach: Reach

    def log_evidence(self, margin: float = 0.0) -> tuple[float, float]:
        """Return the logarithms of the evidence that the mean is below minus the margin, and that it is above that."""
        return (
            log_evidence(self.sums.scaled(-1.0), margin, self.reach.above),
            log_evidence(self.sums, -margin, self.reach.below),
        )

    def verdict(self, error: float, margin: float = 0.0) -> Verdict:
        """Say whether the new model is better by the margin; ``open`` as long as neither is sure.

        Parameters
        ----------
        error : float
            Accepted chance of a false verdict, at all looks together.
        margin : float
            In the unit of the differences; a negative one is what is tolerated.

        Examples
        --------
        >>> differences = Differences(Sums(1000, -80.0, 200.0), Reach(1.0, 1.0))
        >>> differences.verdict(0.05), differences.verdict(0.05, margin=0.05), differences.verdict(0.05, margin=0.2)
        ('better', 'open', 'worse')
        """
        better, worse = self.log_evidence(margin)
        limit = math.log(2.0 / error)
        return "better" if better >= limit else "worse" if worse >= limit else "open"

    def interval(self, error: float) -> Interval:
        """Return where the mean difference is."""
        return mean_interval(self.sums, self.reach, error)


def _least_mean(sums: Sums, reach: Reach, limit: float) -> float:
    """Return the least mean against which the evidence does not reach its limit: it falls as the mean rises."""
    low, high = -reach.below, reach.above
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        refuted = log_evidence(sums, middle, reach.below) >= limit
        low, high = (middle, high) if refuted else (low, middle)
    return low
