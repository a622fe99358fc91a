"""Events of a pipeline on the default bus of EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "headrace"


class EventNotTakenError(Exception):
    """EventBridge refused an event; the text says why."""


class PipelineEvents:
    """Publishes events of one pipeline."""

    def __init__(self, client: EventBridgeClient, pipeline: str) -> None:
        self._client = client
        self._pipeline = pipeline

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event; `detail` gets the pipeline's name.

        Raises
        ------
        EventNotTakenError
            If EventBridge did not take it: ``PutEvents`` says so in its answer, not by an exception.
        """
        body = json.dumps({"pipeline": self._pipeline, **detail})
        answer = self._client.put_events(
            Entries=[{"Source": SOURCE, "DetailType": detail_type, "Detail": body}]
        )
        if answer["FailedEntryCount"]:
            entry = answer["Entries"][0]
            raise EventNotTakenError(f"{detail_type}: {entry.get('ErrorCode')} {entry.get('ErrorMessage')}")
