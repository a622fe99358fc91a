"""Repair: an alarm's state change reaches EventBridge, Lambda and SNS, in AWS's formats."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import cloudwatch, eventbridge, sns

from local_cloud.adapters.patching import replace
from local_cloud.repairs.alarm_messages import State, event_detail, notification, state_of, timestamp
from local_cloud.settings import Settings

_LOG = logging.getLogger(__name__)
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
# The state that was told last, by the alarm's ARN: the next message needs it as the previous state.
_told: dict[str, State] = {}


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
    remember(alarm)
    _send_event(alarm, previous)
    if alarm.get("ActionsEnabled", True):
        for action in alarm.get(_ACTIONS[new_state]) or []:
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
