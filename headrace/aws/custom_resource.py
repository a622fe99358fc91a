"""Answers to CloudFormation from the function of a custom resource."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Protocol

_TIMEOUT_S = 30
_REASON_LIMIT = 1000

Send = Callable[[str, bytes], None]


class Context(Protocol):
    """What is needed of Lambda's context."""

    log_group_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until the function is stopped."""
        ...


def answer(
    event: Mapping[str, Any],
    context: Context,
    work: Callable[[], Mapping[str, str]],
    *,
    send: Send | None = None,
) -> None:
    """Do `work` and tell CloudFormation how it ended, with what it returns as the resource's attributes.

    An exception becomes the reason of the failure. It is not raised again: Lambda would invoke the function once more
    for a request that has been answered.

    Parameters
    ----------
    event : mapping
        CloudFormation's request.
    context : Context
        Lambda's.
    work : callable
        Creates, updates or deletes; returns attributes.
    send : callable, optional
        Puts a body to a URL; by default over HTTPS.
    """
    body: dict[str, Any] = {
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        body |= {"Data": dict(work()), "Status": "SUCCESS"}
    except Exception as error:
        reason = f"{type(error).__name__}: {error} (log group {context.log_group_name})"
        body |= {"Status": "FAILED", "Reason": reason[:_REASON_LIMIT]}
    (send or _put)(event["ResponseURL"], json.dumps(body).encode())


def _put(url: str, body: bytes) -> None:
    # The URL is signed without a content type, so none may be sent.
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
        pass
