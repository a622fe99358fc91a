"""Decides the state of a CloudWatch alarm from its datapoints, as AWS documents it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
# CloudWatch looks further back than the evaluation periods; its documentation draws ranges of N + 2.
EXTRA_PERIODS = 2


@dataclass(frozen=True)
class Datapoint:
    """One period's value.

    Parameters
    ----------
    start : float
        Start of the period, in seconds since 1970.
    value : float
        The statistic, or the expression's result, over the period.
    """

    start: float
    value: float


@dataclass(frozen=True)
class Rule:
    """When an alarm goes off.

    Parameters
    ----------
    comparison : str
        One of AWS's names, e.g. ``GreaterThanThreshold``.
    threshold : float
        In the metric's unit.
    periods : int
        N of "M out of N": how many datapoints are looked at.
    breaches : int
        M: how many of them must breach.
    missing : str
        What a missing datapoint counts as: ``missing``, ``ignore``, ``breaching`` or ``notBreaching``.
    """

    comparison: str
    threshold: float
    periods: int
    breaches: int
    missing: str

    def breaching(self, point: Datapoint) -> bool:
        """Tell whether a datapoint is on the wrong side of the threshold."""
        return _COMPARISONS[self.comparison][0](point.value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    """The state of an alarm, why, and the datapoints that were looked at, newest first."""

    state: str
    reason: str
    points: tuple[Datapoint, ...]


def judge(points: Sequence[Datapoint | None], rule: Rule, current: str) -> Verdict:
    """Decide the state of an alarm.

    Real datapoints of the whole evaluation range are used before any missing one is filled in.

    Parameters
    ----------
    points : sequence of Datapoint or None
        The evaluation range, oldest first, one entry per period; None where there is no data.
    rule : Rule
        The alarm's settings.
    current : str
        The present state: ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``.

    Returns
    -------
    Verdict
        With the reason in AWS's words.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

    Examples
    --------
    >>> rule = Rule("GreaterThanThreshold", 0.5, periods=1, breaches=1, missing="missing")
    >>> verdict = judge([None, None, Datapoint(1795446000.0, 0.9)], rule, "OK")
    >>> verdict.state
    'ALARM'
    >>> print(verdict.reason)
    Threshold Crossed: 1 out of the last 1 datapoints [0.9 (23/11/26 15:00:00)] was greater than the threshold (0.5) (minimum 1 datapoint for OK -> ALARM transition).
    """
    found = [point for point in reversed(points) if point is not None]
    if len(found) >= rule.periods:
        used = found[: rule.periods]
        state = "ALARM" if _breaches(used, rule) >= rule.breaches else "OK"
        return Verdict(state, _threshold_reason(state, used, rule), tuple(used))
    if rule.missing in ("breaching", "notBreaching"):
        filled = rule.periods - len(found)
        counted = _breaches(found, rule) + (filled if rule.missing == "breaching" else 0)
        state = "ALARM" if counted >= rule.breaches else "OK"
        return Verdict(state, _filled_reason(len(found), filled, rule), tuple(found))
    state = _state_of_few(points, found, rule, current)
    return Verdict(state, _few_reason(state, found, rule), tuple(found))


def _breaches(points: Sequence[Datapoint], rule: Rule) -> int:
    return sum(map(rule.breaching, points))


def _state_of_few(
    points: Sequence[Datapoint | None], found: list[Datapoint], rule: Rule, current: str
) -> str:
    """Decide without filling: too few datapoints, and missing ones are missing or ignored."""
    if not found:
        return current if rule.missing == "ignore" else "INSUFFICIENT_DATA"
    if _breaches(found, rule) >= rule.breaches:
        return "ALARM"
    if _breaches(found, rule) < len(found):
        return "OK"
    # All that is there breaches, but it is too little. The alarm does not go off prematurely: the oldest breach
    # must be as old as the number of datapoints that would make an alarm.
    oldest = next(age for age in range(len(points), 0, -1) if points[-age] is not None)
    return "ALARM" if rule.missing == "missing" and oldest >= rule.breaches else current


def _threshold_reason(state: str, used: Sequence[Datapoint], rule: Rule) -> str:
    alarm = state == "ALARM"
    named = [point for point in used if rule.breaching(point) == alarm]
    minimum = rule.breaches if alarm else rule.periods - rule.breaches + 1
    transition = "OK -> ALARM" if alarm else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(named)} out of the last {rule.periods} datapoints [{_listed(named)}] "
        f"{_were(len(named))} {'' if alarm else 'not '}{_relation(rule)} "
        f"(minimum {_count(minimum, 'datapoint')} for {transition} transition)."
    )


def _filled_reason(received: int, filled: int, rule: Rule) -> str:
    received_text = _count(received, "datapoint") if received else "no datapoints"
    kind = "Breaching" if rule.missing == "breaching" else "NonBreaching"
    return (
        f"Threshold Crossed: {received_text} {'was' if received == 1 else 'were'} received for "
        f"{_count(rule.periods, 'period')} and {_count(filled, 'missing datapoint')} "
        f"{_were(filled)} treated as [{kind}]."
    )


def _few_reason(state: str, found: Sequence[Datapoint], rule: Rule) -> str:
    if not found:
        return f"Insufficient Data: {_count(rule.periods, 'datapoint')} {_were(rule.periods)} unknown."
    negation = "" if state == "ALARM" else "not "
    return (
        f"Threshold Crossed: {_count(len(found), 'datapoint')} [{_listed(found)}] {_were(len(found))} "
        f"{negation}{_relation(rule)}."
    )


def _relation(rule: Rule) -> str:
    return f"{_COMPARISONS[rule.comparison][1]} the threshold ({rule.threshold})"


def _listed(points: Sequence[Datapoint]) -> str:
    return ", ".join(
        f"{point.value} ({datetime.fromtimestamp(point.start, UTC):%d/%m/%y %H:%M:%S})" for point in points
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
