"""Repair: composite alarms can be made from a template."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import UnknownEmulatorError, require
from local_cloud.settings import Settings

_TYPE = "AWS::CloudWatch::CompositeAlarm"


def install(settings: Settings) -> None:
    """Register the resource type, unless the emulator has learnt it."""
    require(cloudwatch, "_put_composite_alarm", "params cbor_data is_cbor is_json")
    require(provisioners, "_physical_name", "stack_name logical_id lowercase max_len seeded")
    if _TYPE in provisioners._RESOURCE_HANDLERS:
        raise UnknownEmulatorError(f"the emulator provisions {_TYPE} itself now: delete this repair")
    provisioners._RESOURCE_HANDLERS[_TYPE] = {"create": _create, "update": _update, "delete": _delete}


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    name = props.get("AlarmName") or provisioners._physical_name(stack_name, logical_id, max_len=255)
    return _put(name, props)


def _update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    return _put(physical_id, new_props)


def _put(name: str, props: dict[str, Any]) -> tuple[str, dict[str, str]]:
    enabled = str(props.get("ActionsEnabled", True)).lower() != "false"
    request = {**props, "AlarmName": name, "ActionsEnabled": enabled}
    status, _, body = cloudwatch._put_composite_alarm({}, request, False, True)
    if status >= 400:  # noqa: PLR2004
        raise ValueError(json.loads(body).get("message", "the composite alarm was refused"))
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    cloudwatch._composite_alarms.pop(physical_id, None)
