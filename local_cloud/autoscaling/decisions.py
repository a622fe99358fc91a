"""How many instances a scaling policy asks for: target tracking, steps, and the pauses between changes.

References
----------
.. [1] Application Auto Scaling user guide, "How target tracking scaling for Application Auto Scaling works".
.. [2] Application Auto Scaling user guide, "How step scaling for Application Auto Scaling works".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["out", "in"]
_NEVER = -math.inf
_ROUNDING = 1e-9
"""A load that is exactly at the target of so many instances asks for no more, whatever its last binary digit."""


@dataclass(frozen=True)
class Change:
    """The last change of a target's size.

    Parameters
    ----------
    direction : {"out", "in"}
        Whether instances were added or taken away.
    base : int
        How many there were before.
    until : float
        Until when it is to take effect, in seconds of the clock: the cooldown of the policy that asked for it.
    """

    direction: Direction
    base: int
    until: float


NO_CHANGE = Change("out", 0, until=_NEVER)


@dataclass(frozen=True)
class Limits:
    """Fewer and more instances than this there never are."""

    least: int
    most: int


def tracked(current: int, metric: float, target: float) -> int:
    """Return how many instances bring a metric per instance to its target.

    Parameters
    ----------
    current : int
        How many there are.
    metric, target : float
        The metric with them, and what it is to be, in the metric's unit.

    Examples
    --------
    >>> tracked(2, 900, 600), tracked(4, 100, 600), tracked(3, 600, 600), tracked(3, 0, 600)
    (3, 1, 3, 0)
    """
    return math.ceil(current * metric / target - _ROUNDING)


def stepped(current: int, breach: float, configuration: Mapping[str, Any]) -> int:
    """Return how many instances the step asks for that a breach falls into; `current` if it falls into none.

    Parameters
    ----------
    current : int
        How many there are.
    breach : float
        By how much the metric is over the alarm's threshold, or below it if negative.
    configuration : mapping
        A ``StepScalingPolicyConfiguration``.

    Examples
    --------
    >>> steps = [{"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
    ...          {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3}]
    >>> by_count = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
    >>> stepped(2, 5, by_count), stepped(2, 10, by_count), stepped(2, -1, by_count)
    (3, 5, 2)
    >>> by_share = {"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 2,
    ...             "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 25}]}
    >>> stepped(4, 0, by_share)
    6
    """
    adjustment = _adjustment(breach, configuration["StepAdjustments"])
    if adjustment is None:
        return current
    kind = configuration["AdjustmentType"]
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return current + adjustment
    if not current * adjustment:
        return current
    least = max(1, configuration.get("MinAdjustmentMagnitude", 1))
    change: int = max(abs(current * adjustment) // 100, least)  # whole instances, and at least one
    return current + (change if adjustment > 0 else -change)


def _adjustment(breach: float, steps: Sequence[Mapping[str, Any]]) -> int | None:
    for step in steps:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        above = breach >= lower if lower >= 0 else breach > lower
        below = breach < upper if upper > 0 else breach <= upper
        if above and below:
            return int(step["ScalingAdjustment"])
    return None


def decide(rule: Callable[[int], int], current: int, limits: Limits, last: Change, now: float) -> int:
    """Return how many instances there are to be now.

    While instances that were added have their time to take effect, the rule is asked as if they were not there, so that
    only a still larger number adds more. Instances are taken away only after the pause of the last change; a rise of the
    load ends the pause after some were.

    Parameters
    ----------
    rule : callable
        How many instances a policy asks for, if there are so many.
    current : int
        How many there are.
    limits : Limits
        Of the target.
    last : Change
        The last change.
    now : float
        In seconds of the clock.

    Examples
    --------
    >>> limits, added = Limits(1, 8), Change("out", base=2, until=160.0)
    >>> half_more = lambda current: tracked(current, 900, 600)
    >>> decide(half_more, 3, limits, added, now=130.0), decide(half_more, 3, limits, added, now=160.0)
    (3, 5)
    >>> far_more = lambda current: tracked(current, 1500, 600)
    >>> decide(far_more, 3, limits, added, now=130.0)
    5
    """
    pausing = now < last.until
    base = last.base if pausing and last.direction == "out" else current
    wanted = min(max(rule(base), limits.least), limits.most)
    return max(wanted, current) if pausing else wanted
