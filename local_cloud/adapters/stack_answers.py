"""Answers who asks for a stack that is changing when it has changed, instead of at once.

The CDK looks every five seconds, and most stacks here take less than one. On AWS an answer may take a while, too.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import Settings

_LONGEST_S = 5.0
_LOOK_EVERY_S = 0.05
_ASKS = b"Action=DescribeStacks"


def install(settings: Settings) -> None:
    """Let DescribeStacks of one stack wait for the end of what is done to it, but not for long."""
    require(handlers, "_resolve_stack", "stack_name")
    replace(cloudformation, "handle_request", "method path headers body query_params", _patient)


def _patient(original: Any) -> Any:
    async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        if _ASKS in body and (names := parse_qs(body.decode(errors="replace")).get("StackName")):
            await _settled(names[0])
        return await original(method, path, headers, body, query_params)

    return handle_request


async def _settled(name: str) -> None:
    deadline = time.monotonic() + _LONGEST_S
    while _changes(name) and time.monotonic() < deadline:
        await asyncio.sleep(_LOOK_EVERY_S)


def _changes(name: str) -> bool:
    stack = handlers._resolve_stack(name)
    status = stack["StackStatus"] if stack else ""
    # A stack in review waits for somebody who executes its change set.
    return bool(status.endswith("_IN_PROGRESS")) and status != "REVIEW_IN_PROGRESS"
