"""Repair: what states pass on is at most 256 KiB, as on AWS."""

from __future__ import annotations

import functools
import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

from local_cloud.adapters.patching import replace
from local_cloud.repairs.state_frame import Frame, after_state
from local_cloud.settings import Settings

MAX_BYTES = 262_144


def install(settings: Settings) -> None:
    """Measure the input of executions, the results of tasks and the outputs of states."""
    for name in ("_start_execution", "_start_sync_execution"):
        replace(stepfunctions, name, "data", _refusing_large_input)
    replace(stepfunctions, "_invoke_resource", "resource input_data", _refusing_large_result)
    replace(
        stepfunctions, "_invoke_with_callback", "resource input_data token state_def", _refusing_large_result
    )
    after_state(_refuse_large_output)


def too_large(value: Any) -> bool:
    """Tell whether JSON has more than 256 KiB in UTF-8.

    >>> too_large("x" * 262_142), too_large("x" * 262_143)
    (False, True)
    """
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES


def _refusing_large_input(original: Any) -> Any:
    def start(data: dict[str, Any]) -> Any:
        if len((data.get("input") or "").encode()) > MAX_BYTES:
            return error_response_json(
                "ValidationException",
                "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have "
                f"length less than or equal to {MAX_BYTES}",
                400,
            )
        return original(data)

    return start


def _refusing_large_result(original: Any) -> Any:
    @functools.wraps(original)
    def invoke(resource: str, *arguments: Any) -> Any:
        result = original(resource, *arguments)
        if too_large(result):
            raise _limit_exceeded(resource)
        return result

    return invoke


def _refuse_large_output(frame: Frame, output: Any) -> None:
    if too_large(output):
        raise _limit_exceeded(frame.ctx["State"]["Name"])


def _limit_exceeded(what: str) -> Exception:
    error: Exception = stepfunctions._ExecutionError(
        "States.DataLimitExceeded",
        f"The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service "
        "limit.",
    )
    return error
