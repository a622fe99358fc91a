"""Repair: budgets can be made from a template. Nothing costs anything here, so none is ever exceeded."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import budgets

from local_cloud.adapters.patching import require
from local_cloud.adapters.resource_types import physical_name, register
from local_cloud.settings import Settings

_TYPE = "AWS::Budgets::Budget"


def install(settings: Settings) -> None:
    """Register the resource type, unless the emulator has learnt it."""
    require(budgets, "_create_budget", "data")
    register(_TYPE, create=_create, update=_update, delete=_delete)


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    name = props["Budget"].get("BudgetName") or physical_name(stack_name, logical_id, longest=100)
    return _put(name, props)


def _update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    _delete(physical_id, old_props)
    return _put(physical_id, new_props)


def _put(name: str, props: dict[str, Any]) -> tuple[str, dict[str, str]]:
    budget = {**props["Budget"], "BudgetName": name}
    limit = budget["BudgetLimit"]
    # A template's amount is a number, the API's is text; a threshold is the other way round.
    budget["BudgetLimit"] = {**limit, "Amount": str(limit["Amount"])}
    told = [
        {
            **entry,
            "Notification": {**entry["Notification"], "Threshold": float(entry["Notification"]["Threshold"])},
        }
        for entry in props.get("NotificationsWithSubscribers") or []
    ]
    status, _, body = budgets._create_budget({"Budget": budget, "NotificationsWithSubscribers": told})
    if status >= 400:  # noqa: PLR2004
        raise ValueError(json.loads(body).get("message", "the budget was refused"))
    return name, {}


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    budgets._budgets.pop(physical_id, None)
    budgets._notification_store.pop(physical_id, None)
