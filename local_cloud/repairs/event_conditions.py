"""Lets IAM policies ask for the source of the events that a caller puts on the bus.

References
----------
.. [1] EventBridge user guide, "Using IAM policy conditions in Amazon EventBridge": ``events:source``,
   ``events:detail-type``.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Add the keys of ``PutEvents`` to what conditions are evaluated against."""

    def with_sources(original: Any) -> Any:
        def context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
            found: dict[str, Any] = original(service, iam_action, body, params)
            return {**found, **_sources(body)} if iam_action == "events:PutEvents" else found

        return context

    replace(iam_actions, "request_tag_context", "service iam_action body params", with_sources)


def _sources(body: bytes) -> dict[str, Any]:
    entries = json.loads(body or b"{}").get("Entries", [])
    return {
        "events:source": _one_or_all({entry.get("Source", "") for entry in entries}),
        "events:detail-type": _one_or_all({entry.get("DetailType", "") for entry in entries}),
    }


def _one_or_all(values: set[str]) -> str | list[str]:
    return values.pop() if len(values) == 1 else sorted(values)
