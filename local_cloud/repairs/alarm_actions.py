"""Repair: an alarm's state change reaches EventBridge, Lambda and SNS, in AWS's formats."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import cloudwatch, eventbridge, sns

from local_cloud.adapters.patching import replace
from local_cloud.repairs.alarm_messages import State, event_detail, notification, state_of, timestamp
from local_cloud.repairs.alarm_suppression import Hold, Periods, begin, go_on
from local_cloud.settings import Settings

_LOG = logging.getLogger(__name__)
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
# The state that was told last, by the alarm's ARN: the next message needs it as the previous state.
_told: dict[str, State] = {}
# Until when actions are held, by the alarm's ARN; and suppressors of composite alarms that are being made, by name.
_held_until: dict[str, float | None] = {}
_being_made: dict[str, dict[str, Any]] = {}


def install(settings: Settings) -> None:
    """Send every state change to the default event bus, and to the actions of the new state."""
    replace(
        cloudwatch,
        "_dispatch_alarm_actions",
        "alarm old_state new_state reason",
        lambda original: _tell_state_change,
    )


def remember(alarm: dict[str, Any]) -> None:
    """Keep an alarm's present state as the previous one of its next change."""
    _told[alarm["AlarmArn"]] = state_of(alarm)


def _tell_state_change(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
    previous = _told.get(alarm["AlarmArn"], {})
    if previous.get("value") != old_state:
        previous = {"value": old_state}
    was_held = bool(alarm.get("ActionsSuppressedBy"))
    held = new_state == "ALARM" and _hold(alarm, begin(_suppressing(alarm), _periods(alarm), time.time()))
    if not held:
        _hold(alarm, None)
    remember(alarm)
    _send_event(alarm, previous)
    # Whoever was not told of the beginning is not told of the end.
    if not held and not was_held:
        _act_on_state(alarm, previous)


def tell_release(alarm: dict[str, Any], now: float) -> None:
    """Look at a composite alarm whose actions are held: tell if they are held for another reason now, or run."""
    hold = Hold(alarm["ActionsSuppressedBy"], _held_until.get(alarm["AlarmArn"]))
    following = go_on(hold, _suppressing(alarm), _periods(alarm), now)
    if following == hold:
        return
    previous = state_of(alarm)
    _hold(alarm, following)
    alarm["StateUpdatedTimestamp"] = now
    remember(alarm)
    _send_event(alarm, previous)
    if following is None:
        _act_on_state(alarm, previous)


@contextmanager
def suppressor_of(name: str, fields: dict[str, Any]) -> Iterator[None]:
    """Know the suppressor of a composite alarm while it is being made, and evaluated for the first time."""
    _being_made[name] = fields
    try:
        yield
    finally:
        del _being_made[name]


def _suppressor(alarm: dict[str, Any]) -> dict[str, Any]:
    return _being_made.get(alarm["AlarmName"], alarm) if "AlarmRule" in alarm else {}


def _suppressing(alarm: dict[str, Any]) -> bool:
    suppressor = _suppressor(alarm).get("ActionsSuppressor")
    return bool(suppressor) and cloudwatch._rule_alarm_state(suppressor) == "ALARM"


def _periods(alarm: dict[str, Any]) -> Periods:
    fields = _suppressor(alarm)
    if not fields.get("ActionsSuppressor"):
        return Periods(0, 0)
    return Periods(
        float(fields["ActionsSuppressorWaitPeriod"]), float(fields["ActionsSuppressorExtensionPeriod"])
    )


def _hold(alarm: dict[str, Any], hold: Hold | None) -> bool:
    """Write into the alarm why its actions do not run, if they do not; return whether they are held."""
    if hold is None:
        alarm.pop("ActionsSuppressedBy", None)
        alarm.pop("ActionsSuppressedReason", None)
        _held_until.pop(alarm["AlarmArn"], None)
        return False
    alarm.update(ActionsSuppressedBy=hold.by, ActionsSuppressedReason=hold.reason)
    _held_until[alarm["AlarmArn"]] = hold.until
    return True


def _act_on_state(alarm: dict[str, Any], previous: State) -> None:
    if alarm.get("ActionsEnabled", True):
        for action in alarm.get(_ACTIONS[alarm["StateValue"]]) or []:
            _act(action, alarm, previous)


def _send_event(alarm: dict[str, Any], previous: State) -> None:
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(event_detail(alarm, previous)),
        "Resources": [alarm["AlarmArn"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _act(action: str, alarm: dict[str, Any], previous: State) -> None:
    """Run one action; one that fails is told in the log and in the history, and the others still run."""
    try:
        if ":sns:" in action:
            subject, body = notification(alarm, previous, get_account_id(), get_region())
            sns._fanout(action, new_uuid(), json.dumps(body), subject)
        elif ":lambda:" in action:
            eventbridge._dispatch_to_lambda(action, json.dumps(_lambda_event(alarm, previous)))
        else:
            return
    except Exception:
        _LOG.exception("the action %s of the alarm %s has failed", action, alarm["AlarmName"])
        _note(alarm, f"Failed to execute action {action}")
    else:
        _note(alarm, f"Successfully executed action {action}")


def _lambda_event(alarm: dict[str, Any], previous: State) -> dict[str, Any]:
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": get_account_id(),
        "time": timestamp(time.time()),
        "region": get_region(),
        "alarmData": event_detail(alarm, previous),
    }


def _note(alarm: dict[str, Any], summary: str) -> None:
    cloudwatch._history_entries().append(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
            "Timestamp": cloudwatch._ts_iso(time.time()),
            "HistoryItemType": "Action",
            "HistorySummary": summary,
            "HistoryData": json.dumps({"version": "1.0", "type": "Action", "summary": summary}),
        }
    )
