"""Repair: state machines have timeouts, tasks have heartbeats, and an execution that has ended stays as it ended."""

from __future__ import annotations

import contextvars
import json
import threading
import time
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from local_cloud.adapters.patching import replace
from local_cloud.repairs.state_frame import state_error
from local_cloud.settings import Settings

_WATCH_S = 0.2
_LEAST_S = 1.0


def install(settings: Settings) -> None:
    """Watch the time of executions and of tasks that wait for a token."""
    replace(stepfunctions, "_run_execution", "exec_arn", _with_timeout)
    replace(stepfunctions, "_fail_execution", "execution error cause", _only_while_running)
    replace(
        stepfunctions,
        "_execute_task",
        "state_def raw_input execution ctx",
        lambda original: _with_computed_times(original, settings.hurry),
    )
    replace(stepfunctions, "_invoke_with_callback", "resource input_data token state_def", _with_heartbeat)


# --- executions


def _with_timeout(original: Any) -> Any:
    def run_execution(exec_arn: str) -> None:
        execution = stepfunctions._executions.get(exec_arn)
        timeout_s = _timeout_s(execution)
        if timeout_s is None:
            original(exec_arn)
            return
        scope = contextvars.copy_context()
        timer = threading.Timer(timeout_s, lambda: scope.run(_time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            original(exec_arn)
        finally:
            timer.cancel()

    return run_execution


def _timeout_s(execution: dict[str, Any] | None) -> float | None:
    machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn"))
    if machine is None:
        return None
    timeout_s = json.loads(machine["definition"]).get("TimeoutSeconds")
    return None if timeout_s is None else float(timeout_s)


def _time_out(execution: dict[str, Any]) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", error="States.Timeout", stopDate=now_iso())
    details = {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    stepfunctions._add_event(execution, "ExecutionTimedOut", details)
    stepfunctions._emit_execution_status_event(execution)


def _only_while_running(original: Any) -> Any:
    """Let a state that fails after the execution was stopped or timed out change nothing."""

    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            original(execution, error, cause)

    return fail_execution


# --- tasks


def _with_computed_times(original: Any, hurry: float) -> Any:
    """Let a task's timeouts come from a path or an expression.

    A task that waits for a token does nothing meanwhile: its time is over as many times sooner as the local cloud hurries.
    """

    def execute_task(state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: dict[str, Any]) -> Any:
        times = {
            field: _seconds(state_def, field, raw_input, ctx)
            for field in ("TimeoutSeconds", "HeartbeatSeconds")
            if field in state_def or f"{field}Path" in state_def
        }
        if "TimeoutSeconds" in times and state_def["Resource"].endswith(".waitForTaskToken"):
            times["TimeoutSeconds"] = max(_LEAST_S, times["TimeoutSeconds"] / hurry)
        return original({**state_def, **times}, raw_input, execution, ctx)

    return execute_task


def _seconds(state_def: dict[str, Any], field: str, raw_input: Any, ctx: dict[str, Any]) -> float:
    if f"{field}Path" in state_def:
        value = stepfunctions._resolve_path_or_ctx(state_def[f"{field}Path"], raw_input, ctx)
    else:
        value = stepfunctions._apply_jsonata_template(state_def[field], raw_input, ctx)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise state_error(
            "States.Runtime", f"{field} must be a positive integer, but was: {json.dumps(value)}"
        )
    return value


def _with_heartbeat(original: Any) -> Any:
    def invoke_with_callback(resource: str, input_data: Any, token: str, state_def: dict[str, Any]) -> Any:
        ended = threading.Event()
        if heartbeat_s := state_def.get("HeartbeatSeconds"):
            scope = contextvars.copy_context()
            watch = threading.Thread(
                target=scope.run, args=(_watch_heartbeat, token, heartbeat_s, ended), daemon=True
            )
            watch.start()
        try:
            return original(resource, input_data, token, state_def)
        finally:
            ended.set()

    return invoke_with_callback


def _watch_heartbeat(token: str, heartbeat_s: float, ended: threading.Event) -> None:
    last_beat, beat_at = None, time.monotonic()
    while not ended.wait(min(_WATCH_S, heartbeat_s / 4)):
        task = stepfunctions._task_tokens.get(token)
        if task is not None and task["heartbeat"] != last_beat:
            last_beat, beat_at = task["heartbeat"], time.monotonic()
        if task is not None and time.monotonic() - beat_at > heartbeat_s and not task["event"].is_set():
            task["error"] = {"Error": "States.HeartbeatTimeout", "Cause": ""}
            task["event"].set()
