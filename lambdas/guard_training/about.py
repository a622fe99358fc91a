"""What an alarm is about, in a few words. Pure: from its event and the latest report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REPORTS = {"drift": "drift/latest.json", "quality": "quality/latest.json"}
"""Where the latest report lies, by the reason that an alarm gives."""

_SHOWN = 5


def alarm_name(detail: Mapping[str, Any]) -> str:
    """Return the name in the event of an alarm's change of state; empty if it is none.

    Examples
    --------
    >>> alarm_name({"alarmName": "DriftAlarm", "state": {"value": "ALARM"}})
    'DriftAlarm'
    """
    return str(detail.get("alarmName", ""))


def about(report: Mapping[str, Any] | None) -> str:
    """Name the features that drifted, or the metric that fell; else what the report says first, empty without one.

    Examples
    --------
    >>> about({"drifted_features": ["temp", "season"]}), about({"metric": "rmse"}), about(None)
    ('temp season', 'rmse', '')
    >>> about({"drifted_features": [], "summary": ["the features go together in another way"]})
    'the features go together in another way'
    """
    if report is None:
        return ""
    features = [str(name) for name in report.get("drifted_features") or ()]
    more = [f"and {len(features) - _SHOWN} more"] if len(features) > _SHOWN else []
    said = [*report.get("summary", ()), ""]
    return " ".join(features[:_SHOWN] + more) or str(report.get("metric") or said[0])
