"""Repair: composite alarms can be made from a template, and have suppressors."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudwatch

from local_cloud.adapters.patching import replace
from local_cloud.adapters.resource_types import physical_name, register
from local_cloud.repairs.alarm_actions import suppressor_of
from local_cloud.repairs.alarm_messages import SUPPRESSOR
from local_cloud.settings import Settings

_TYPE = "AWS::CloudWatch::CompositeAlarm"


def install(settings: Settings) -> None:
    """Register the resource type, unless the emulator has learnt it; keep suppressors."""
    replace(cloudwatch, "_put_composite_alarm", "params cbor_data is_cbor is_json", _keeping_suppressors)
    register(_TYPE, create=_create, update=_update, delete=_delete)


# --- suppressors


def _keeping_suppressors(original: Any) -> Any:
    def put_composite_alarm(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        wanted = {name: cbor_data[name] for name in SUPPRESSOR if (cbor_data or {}).get(name) is not None}
        if fault := _fault(wanted):
            return cloudwatch._error("ValidationError", fault, 400, use_json=is_json, use_cbor=is_cbor)
        name = (cbor_data or {}).get("AlarmName", "")
        with suppressor_of(name, wanted):
            answered = original(params, cbor_data, is_cbor, is_json)
        if alarm := cloudwatch._composite_alarms.get(name):
            alarm.update(wanted)
        return answered

    return put_composite_alarm


def _fault(wanted: dict[str, Any]) -> str | None:
    if "ActionsSuppressor" not in wanted:
        return None
    missing = [name for name in SUPPRESSOR if name not in wanted]
    if missing:
        return f"{', '.join(missing)} must be specified when ActionsSuppressor is"
    name = cloudwatch._rule_ref_name(wanted["ActionsSuppressor"])
    if name not in cloudwatch._alarms and name not in cloudwatch._composite_alarms:
        return f"Could not save the composite alarm as its suppressor {wanted['ActionsSuppressor']} does not exist"
    return None


# --- templates


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    name = props.get("AlarmName") or physical_name(stack_name, logical_id, longest=255)
    return _put(name, props)


def _update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    return _put(physical_id, new_props)


def _put(name: str, props: dict[str, Any]) -> tuple[str, dict[str, str]]:
    enabled = str(props.get("ActionsEnabled", True)).lower() != "false"
    periods = {period: int(props[period]) for period in SUPPRESSOR[1:] if props.get(period) is not None}
    request = {**props, **periods, "AlarmName": name, "ActionsEnabled": enabled}
    status, _, body = cloudwatch._put_composite_alarm({}, request, False, True)
    if status >= 400:  # noqa: PLR2004
        raise ValueError(json.loads(body).get("message", "the composite alarm was refused"))
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    cloudwatch._composite_alarms.pop(physical_id, None)
