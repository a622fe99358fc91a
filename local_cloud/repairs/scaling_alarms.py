"""Alarms that call scaling policies: watched in shortened periods, and calling again as long as they are on.

Only what merely waits is shortened: with a hurry of 60, the three minutes in which a load must be seen before instances
are added are three seconds. A load stays what it is: so many requests a minute.

References
----------
.. [1] CloudWatch user guide, "Using Amazon CloudWatch alarms": an action for auto scaling is invoked as long as the alarm
   remains in the state, once a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local_cloud.repairs.alarm_evaluation import EXTRA_PERIODS, Datapoint, Verdict
from local_cloud.repairs.metric_math import Grid

_MARK = ":scalingPolicy:"
_SHORTEST_S = 1
# Services put what they measure once a second: a period is judged when everything of it is there.
_LATE_S = 2


@dataclass(frozen=True)
class Call:
    """An alarm's call of a scaling policy.

    Parameters
    ----------
    policy_arn, alarm : str
        What is called, and the name of who calls.
    metric, threshold : float
        What the alarm has seen, and what it must not cross.
    """

    policy_arn: str
    alarm: str
    metric: float
    threshold: float


class ScalingAlarms:
    """What is particular about alarms that call scaling policies.

    Parameters
    ----------
    hurry : float
        How many of AWS's seconds of waiting pass in one.
    call : callable
        Takes the calls of policies, and returns at once.
    """

    def __init__(self, hurry: float, call: Callable[[Call], None]) -> None:
        self._hurry, self._call = hurry, call

    def grid(self, period_s: int, periods: int, now: float) -> Grid:
        """Return the periods to look at, the last of which is over.

        Examples
        --------
        >>> ScalingAlarms(60, print).grid(60, periods=3, now=1000.5)
        Grid(starts=(993, 994, 995, 996, 997), period_s=1)
        """
        short_s = self._short(period_s)
        end = int((now - _LATE_S) // short_s * short_s)
        return Grid(tuple(end - i * short_s for i in range(periods + EXTRA_PERIODS, 0, -1)), short_s)

    def as_whole_periods(
        self, points: Sequence[Datapoint | None], statistic: str, period_s: int
    ) -> list[Datapoint | None]:
        """Return what short periods would be as whole ones: a sum over a second is a sixtieth of that over a minute.

        Examples
        --------
        >>> ScalingAlarms(60, print).as_whole_periods([Datapoint(993, 10.0), None], "Sum", 60)
        [Datapoint(start=993, value=600.0), None]
        """
        factor = period_s / self._short(period_s) if statistic in ("Sum", "SampleCount") else 1.0
        return [point and replace(point, value=point.value * factor) for point in points]

    def call(self, alarm: dict[str, Any], verdict: Verdict) -> None:
        """Call the policies of an alarm that is on."""
        if verdict.state == "ALARM" and verdict.points and alarm.get("ActionsEnabled", True):
            for action in policies(alarm):
                newest = verdict.points[0].value
                self._call(Call(action, alarm["AlarmName"], newest, float(alarm["Threshold"])))

    def _short(self, period_s: int) -> int:
        return max(_SHORTEST_S, round(period_s / self._hurry))


def policies(alarm: dict[str, Any]) -> list[str]:
    """Return the ARNs of the scaling policies that an alarm calls."""
    return [action for action in alarm.get("AlarmActions") or [] if _MARK in action]
