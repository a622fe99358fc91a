"""Gives S3's events on EventBridge the version of the object, as AWS does for versioned buckets."""

from __future__ import annotations

import contextvars
import json
from typing import Any

from ministack.services import eventbridge, s3

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("version", default=None)
_PARAMETERS = (
    "bucket_name key event_name size etag deletion_type restore_event_data version_id sequencer object_extra "
    "record_extra"
)


def install(settings: Settings) -> None:
    """Carry the version from the one function to the other, which the first one calls."""

    def remembering(original: Any) -> Any:
        def fire(*arguments: Any, **named: Any) -> None:
            token = _version.set(named.get("version_id"))
            try:
                original(*arguments, **named)
            finally:
                _version.reset(token)

        return fire

    def completing(original: Any) -> Any:
        def dispatch(event: dict[str, Any], view: Any = None) -> Any:
            version = _version.get()
            if version and event.get("Source") == "aws.s3":
                detail = json.loads(event["Detail"])
                detail["object"]["version-id"] = version
                event = {**event, "Detail": json.dumps(detail)}
            return original(event, view)

        return dispatch

    replace(s3, "_fire_s3_event", _PARAMETERS, remembering)
    replace(eventbridge, "_dispatch_event", "event view", completing)
