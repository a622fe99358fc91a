"""What CloudWatch says of alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_AT_ONCE = 100


@dataclass(frozen=True)
class AlarmState:
    """One metric alarm, as it is.

    Parameters
    ----------
    name, description : str
        Whose state it is; what the alarm means.
    metric : str
        The name of its metric, empty for one on an expression.
    state : str
        ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``.
    reason : str
        Why, in CloudWatch's words.
    """

    name: str
    description: str
    metric: str
    state: str
    reason: str


class AlarmStates:
    """The metric alarms of an account and region."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def named(self, names: Sequence[str]) -> list[AlarmState]:
        """Return the alarms with these names, at most 100, in this order; those that are gone are left out."""
        if not names:
            return []
        answer = self._client.describe_alarms(
            AlarmNames=list(names[:_AT_ONCE]), AlarmTypes=["MetricAlarm"], MaxRecords=_AT_ONCE
        )
        found = {
            alarm["AlarmName"]: AlarmState(
                name=alarm["AlarmName"],
                description=alarm.get("AlarmDescription", ""),
                metric=alarm.get("MetricName", ""),
                state=alarm["StateValue"],
                reason=alarm.get("StateReason", ""),
            )
            for alarm in answer["MetricAlarms"]
        }
        return [found[name] for name in names if name in found]
