"""Repair: who may send, delete or hide one message of a queue may do so with several at once.

References
----------
.. [1] Amazon SQS API reference, "SendMessageBatch": its permission is that of ``SendMessage``, as for the other batches; the
   service authorization reference knows no action of its own for them.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_BATCHES = ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")


def install(settings: Settings) -> None:
    """Name the action of one message where the emulator names that of a batch."""
    replace(iam_actions, "extract_iam_action", "service method path headers body query_params", _of_one)


def _of_one(original: Any) -> Any:
    def action(service: str, *request: Any) -> str | None:
        found: str | None = original(service, *request)
        if service == "sqs" and found and found.removeprefix("sqs:") in _BATCHES:
            return found.removesuffix("Batch")
        return found

    return action
