"""What CloudWatch Logs sends to a subscribed function."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LogEvent:
    """One line of a log; its `id` is unique in the log group."""

    id: str
    message: str


@dataclass(frozen=True)
class LogBatch:
    """Lines of one log stream, in the order in which they were written."""

    group: str
    stream: str
    events: tuple[LogEvent, ...]


def decode_log_batch(event: Mapping[str, Any]) -> LogBatch:
    """Unpack the payload of a subscription filter: JSON, gzipped, in base64.

    A control message, by which CloudWatch Logs tests that the function can be reached, gives no events.

    Examples
    --------
    >>> batch = {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "v1/i-0",
    ...          "logEvents": [{"id": "1", "timestamp": 0, "message": "hello"}]}
    >>> data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()
    >>> decode_log_batch({"awslogs": {"data": data}}).events
    (LogEvent(id='1', message='hello'),)
    """
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    lines = batch["logEvents"] if batch["messageType"] == "DATA_MESSAGE" else []
    return LogBatch(
        group=batch["logGroup"],
        stream=batch["logStream"],
        events=tuple(LogEvent(str(line["id"]), line["message"]) for line in lines),
    )
