"""After a deployment has given its lock back: the model that waits has its turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Queue(Protocol):
    """Who waits."""

    def waiting(self) -> str | None:
        """Return the ARN of the model package that waits."""
        ...


class Events(Protocol):
    """Where the pipeline says what happens."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event of this pipeline."""
        ...


def call_next(queue: Queue, events: Events) -> None:
    """Have the deployment of the model that waits start, if one does; it leaves the queue itself."""
    if arn := queue.waiting():
        events.put("NextDeployment", {"ModelPackageArn": arn})
