"""What Lambda itself writes into a function's log around each call.

References
----------
.. [1] AWS Lambda developer guide, "Sending Lambda function logs to CloudWatch Logs", "Report log line".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_cloud.lambda_runtime.environment import Outcome

_STATUS = {"Sandbox.Timedout": "timeout"}
_PLATFORM_ERRORS = ("Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout")


@dataclass(frozen=True)
class Call:
    """One call of a function.

    Parameters
    ----------
    request_id : str
        Names it in the log.
    version : str
        Of the function, e.g. ``$LATEST``.
    memory_mb : int
        The function's limit.
    """

    request_id: str
    version: str
    memory_mb: int


def call_log(call: Call, outcome: Outcome) -> str:
    """Return the whole log of one call: the environment's start if it was new, START, output, END, REPORT."""
    error = _platform_error(outcome)
    start = f"START RequestId: {call.request_id} Version: {call.version}\n"
    lines = [outcome.init_log, start, outcome.log]
    if error:
        lines.append("" if not outcome.log or outcome.log.endswith("\n") else "\n")
        lines.append(_complaint(call, error))
    return "".join([*lines, f"END RequestId: {call.request_id}\n", _report(call, outcome, error)])


def _platform_error(outcome: Outcome) -> dict[str, Any] | None:
    """Return the error that Lambda gave in place of the function; the runtime client logs its own ones."""
    if not outcome.failed:
        return None
    error: dict[str, Any] = json.loads(outcome.payload)
    return error if error.get("errorType") in _PLATFORM_ERRORS else None


def _complaint(call: Call, error: dict[str, Any]) -> str:
    message = error["errorMessage"]
    if error["errorType"] != "Sandbox.Timedout":
        return f"{message}\n{error['errorType']}\n"
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{moment} {call.request_id} {message.split(' Error: ', 1)[1]}\n"


def _report(call: Call, outcome: Outcome, error: dict[str, Any] | None) -> str:
    fields = [
        f"REPORT RequestId: {call.request_id}",
        f"Duration: {outcome.duration_s * 1000:.2f} ms",
        f"Billed Duration: {math.ceil((outcome.duration_s + outcome.init_s) * 1000)} ms",
        f"Memory Size: {call.memory_mb} MB",
        f"Max Memory Used: {outcome.peak_mb} MB",
    ]
    if outcome.init_s:
        fields.append(f"Init Duration: {outcome.init_s * 1000:.2f} ms")
    if error:
        kind = error["errorType"]
        fields.append(f"Status: {_STATUS[kind]}" if kind in _STATUS else f"Status: error\tError Type: {kind}")
    return "\t".join(fields) + "\t\n"
