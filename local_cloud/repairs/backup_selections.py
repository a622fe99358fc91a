"""Repair: what a backup plan is for can be said in a template. Nothing is backed up here."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import backup

from local_cloud.adapters.patching import require
from local_cloud.adapters.resource_types import register
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Register the resource type, unless the emulator has learnt it."""
    require(backup, "_create_selection", "plan_id body")
    register("AWS::Backup::BackupSelection", create=_create, update=_update, delete=_delete)


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    status, _, body = backup._create_selection(props["BackupPlanId"], props)
    answer = json.loads(body)
    if status >= 400:  # noqa: PLR2004 - HTTP's
        raise ValueError(str(answer))
    id = f"{answer['SelectionId']}_{answer['BackupPlanId']}"
    return id, {name: answer[name] for name in ("SelectionId", "BackupPlanId")}


def _update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    _delete(physical_id, old_props)
    return _create("", new_props, stack_name)


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    backup._selections.pop(physical_id.partition("_")[0], None)
