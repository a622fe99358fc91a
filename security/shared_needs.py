"""Calls that several of AWS's services make alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from security.policies import Request
from security.recordings import request
from security.templates import ACCOUNT, REGION

PULL = "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer".split()
"""What whoever pulls an image asks of its repository."""

DATA_KEYS = ("GenerateDataKey", "Decrypt")
"""What whoever sends to something encrypted asks of its key."""


def sends(
    principal: str, queue: str, keys: Iterable[str], context: Mapping[str, Any] | None = None
) -> Iterator[Request]:
    """Yield the sending of a message to an encrypted queue."""
    yield request(principal, "sqs:SendMessage", queue, context)
    yield from (request(principal, f"kms:{name}", key, context) for key in keys for name in DATA_KEYS)


def writes_logs(role: str, group: str) -> Iterator[Request]:
    """Yield the writing of a log."""
    yield from (
        request(role, f"logs:{name}", log_stream(group)) for name in ("CreateLogStream", "PutLogEvents")
    )


def log_stream(group: str) -> str:
    """Return the ARN of a stream of a log group."""
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:s"
