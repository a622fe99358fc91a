"""What becomes of an alarm that asked for a training. Pure: the clock and everything known are arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from headrace.aws.alarm_cases import AlarmCase, opened
from headrace.aws.training_log import Champion

_SETTLED_AFTER = timedelta(minutes=10)
"""From a check's figures to the alarm's new state: some minutes on AWS, and a check is soon followed by another look."""
_TOO_FEW = "not enough"
"""How a verdict begins that is none: too few rows, or too few labels."""


@dataclass(frozen=True)
class Sight:
    """What is seen of the alarms of one reason, and of the model that was trained because of them.

    Parameters
    ----------
    reason : str
        ``drift`` or ``quality``.
    states : mapping of str to str
        CloudWatch's state of each alarm, by its name; empty if there is no such alarm.
    about : str
        The features or the metric in the latest report.
    judged : bool
        Whether the latest report is on the model that the case awaits, or a later one, and had enough data.
    rejected : bool
        Whether that model was rejected, by a person or because it did not start.
    """

    reason: str
    states: Mapping[str, str]
    about: str = ""
    judged: bool = False
    rejected: bool = False

    @property
    def on(self) -> list[str]:
        """Names of the alarms that are on."""
        return [name for name, state in self.states.items() if state == "ALARM"]

    def is_over(self, case: AlarmCase | None) -> bool:
        """Tell whether no alarm is on, and those that were on when `case` began are known to be off.

        An alarm without data says nothing: of one that never had any nothing is to be waited for, but one that was on
        may have been made anew.
        """
        began = {
            name: self.states[name] for name in (case.alarm.split() if case else ()) if name in self.states
        }
        return not self.on and all(state == "OK" for state in began.values())


def follow(case: AlarmCase | None, sight: Sight, now: datetime) -> AlarmCase | None:
    """Return the case as it is from now on; None if the alarm is off.

    A training has cured the alarm if the alarm is off at the first verdict with enough data on the model that was
    trained, and was in vain if it is on. Until then the alarm still speaks of the former model.

    Parameters
    ----------
    case : AlarmCase or None
        As it was.
    sight : Sight
        What is seen now.
    now : datetime
        In UTC.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> case = opened("drift", "DriftAlarm", "temp", now).answered("e1", "…/4")
    >>> seen = Sight("drift", {"DriftAlarm": "ALARM"}, judged=True)
    >>> case = follow(case, seen, now)
    >>> follow(case, seen, now + timedelta(minutes=15)).in_vain
    1
    """
    if sight.is_over(case):
        return None
    if case is None:
        return opened(sight.reason, " ".join(sight.on), sight.about, now) if sight.on else None
    return _judge(case, sight, now) if case.awaits and sight.on else case


def _judge(case: AlarmCase, sight: Sight, now: datetime) -> AlarmCase:
    """Return the case of an alarm that is on although a model was trained because of it."""
    if sight.rejected:
        return case.tried_in_vain()
    if not sight.judged:
        return case
    if case.judged_from is None:
        return replace(case, judged_from=now.isoformat())
    settled = now - datetime.fromisoformat(case.judged_from) >= _SETTLED_AFTER
    return case.tried_in_vain() if settled else case


def is_judged(case: AlarmCase | None, report: Mapping[str, Any] | None, champion: Champion | None) -> bool:
    """Tell whether `report` has a verdict on the model that `case` awaits, or on one that came after it.

    Parameters
    ----------
    case : AlarmCase or None
        The alarm.
    report : mapping or None
        The latest drift or quality report.
    champion : Champion or None
        The model in service.
    """
    if case is None or case.awaits is None or report is None or champion is None:
        return False
    awaited = int(case.awaits.rpartition("/")[2])
    measured = report.get("measured", report)
    return (
        champion.version >= awaited
        and report.get("variant") == champion.variant
        and not str(measured.get("verdict", _TOO_FEW)).startswith(_TOO_FEW)
    )


def most_in_vain(cases: Collection[AlarmCase]) -> int:
    """Return the most retrainings in a row that did not cure an alarm, of all alarms that are on."""
    return max((case.in_vain for case in cases), default=0)
