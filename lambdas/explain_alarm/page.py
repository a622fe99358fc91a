"""The event by which CloudWatch calls a function when an alarm changes its state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ALARM_IN_RULE = re.compile(r'ALARM\("?(?:arn:[^:]+:cloudwatch:[^:]*:[^:]*:alarm:)?([^")]+)"?\)')


@dataclass(frozen=True)
class Page:
    """What is to be told.

    Parameters
    ----------
    name : str
        Of the alarm that tells: a composite one, or one that is alone.
    says : str
        Its description.
    on : bool
        Whether it has gone off.
    over : bool
        Whether it was on, so that people know of it, and is over. An alarm that has just been made is neither.
    alarms : tuple of str
        The alarms that it tells of, by name, in the order of its rule.
    """

    name: str
    says: str
    on: bool
    over: bool
    alarms: tuple[str, ...]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Page:
        """Read the event; ``KeyError`` if it is none of CloudWatch's alarms.

        References
        ----------
        .. [1] CloudWatch user guide, "Alarm events and the Lambda function": ``alarmData``.

        Examples
        --------
        >>> rule = 'ALARM("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:drift") OR ALARM("quality")'
        >>> data = {"alarmName": "model", "state": {"value": "ALARM"}, "configuration": {"alarmRule": rule}}
        >>> Page.of({"alarmData": data}).alarms
        ('drift', 'quality')
        """
        data = event["alarmData"]
        state, previous = data["state"]["value"], data.get("previousState", {})
        known = previous.get("value") == "ALARM" and "actionsSuppressedBy" not in previous
        rule = data["configuration"].get("alarmRule")
        return cls(
            name=data["alarmName"],
            says=data["configuration"].get("description", ""),
            on=state == "ALARM",
            over=state != "ALARM" and known,
            alarms=tuple(_ALARM_IN_RULE.findall(rule)) if rule else (data["alarmName"],),
        )
