"""Who calls, for the operations that write it down."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

caller: ContextVar[str] = ContextVar("caller", default="")
"""ARN of whoever makes the request that this thread answers; empty if nobody knows."""


def user_context() -> dict[str, Any] | None:
    """Return the caller as SageMaker's `UserContext`; None if nobody knows."""
    arn = caller.get()
    return {"IamIdentity": {"Arn": arn}} if arn else None
