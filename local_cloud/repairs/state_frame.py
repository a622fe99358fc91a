"""Knows which state of which execution the present thread is running; other repairs build on it.

Installed last of the Step Functions repairs: what they put in the place of a state's handler must run inside the frame.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ministack.services import stepfunctions

from local_cloud.adapters.patching import UnknownEmulatorError, require
from local_cloud.settings import Settings

_NOTHING = object()
_HANDLERS = {
    "_execute_pass": "state_def raw_input ctx",
    "_execute_task": "state_def raw_input execution ctx",
    "_execute_choice": "state_def raw_input ctx",
    "_execute_wait": "state_def raw_input ctx",
    "_execute_parallel": "state_def raw_input execution ctx",
    "_execute_map": "state_def raw_input execution ctx",
}
_INTERNAL = ("variables", "QueryLanguage")


@dataclass
class Frame:
    """A state that is running.

    Parameters
    ----------
    state : dict
        Its definition.
    raw_input : object
        Its input, before any path.
    ctx : dict
        The emulator's record of the execution: the context object and, beside it, the variables.
    """

    state: dict[str, Any]
    raw_input: Any
    ctx: dict[str, Any]
    caught: bool = False
    _result: Any = field(default=_NOTHING)

    @property
    def jsonata(self) -> bool:
        """Whether the state's query language is JSONata."""
        return bool(stepfunctions._state_query_language(self.state, self.ctx) == "JSONata")

    @property
    def result(self) -> Any:
        """What the state's work gave, or its input if it has no result."""
        return self.raw_input if self._result is _NOTHING else self._result

    @result.setter
    def result(self, value: Any) -> None:
        self._result = value


_current: ContextVar[Frame | None] = ContextVar("state_frame", default=None)
_after_state: list[Callable[[Frame, Any], None]] = []


def current() -> Frame | None:
    """Return the running state, if this thread runs one."""
    return _current.get()


def after_state(act: Callable[[Frame, Any], None]) -> None:
    """Call ``act(frame, output)`` when a state's work is done; what it raises fails the execution."""
    _after_state.append(act)


def context_object(ctx: dict[str, Any]) -> dict[str, Any]:
    """Return the context object as a state machine sees it (``$$``)."""
    return {name: value for name, value in ctx.items() if name not in _INTERNAL}


def state_error(error: str, message: str) -> Exception:
    """Make an error of the running state, told as AWS tells it."""
    frame = current()
    if frame is None:
        return _error(error, message)
    name = frame.ctx["State"]["Name"]
    execution = stepfunctions._executions.get(frame.ctx["Execution"]["Id"]) or {"events": []}
    entered = next(
        (
            event["id"]
            for event in reversed(execution["events"])
            if event.get("stateEnteredEventDetails", {}).get("name") == name
        ),
        0,
    )
    place = f"An error occurred while executing the state '{name}' (entered at the event id #{entered}). "
    return _error(error, place + message)


def _error(error: str, cause: str) -> Exception:
    made: Exception = stepfunctions._ExecutionError(error, cause)
    return made


def install(settings: Settings) -> None:
    """Note each state that runs, and the result of its work."""
    if tuple(inspect.signature(stepfunctions._ExecutionError).parameters) != ("error", "cause"):
        raise UnknownEmulatorError("stepfunctions._ExecutionError has changed")
    for name, parameters in _HANDLERS.items():
        require(stepfunctions, name, parameters)
        setattr(stepfunctions, name, _framed(getattr(stepfunctions, name)))
    require(stepfunctions, "_run_sub_machine", "states start_at input_data execution ctx")
    stepfunctions._run_sub_machine = _with_own_scope(stepfunctions._run_sub_machine)
    require(stepfunctions, "_apply_result_selector", "state_def data")
    stepfunctions._apply_result_selector = _noting_result(stepfunctions._apply_result_selector)
    require(stepfunctions, "_apply_catcher", "catcher raw_input ctx query_language error_output")
    stepfunctions._apply_catcher = _noting_catch(stepfunctions._apply_catcher)


def _framed(original: Any) -> Any:
    @functools.wraps(original)
    def execute(state_def: dict[str, Any], raw_input: Any, *execution_and_ctx: Any) -> Any:
        frame = Frame(state_def, raw_input, execution_and_ctx[-1])
        _complete_context(frame.ctx)
        token = _current.set(frame)
        try:
            output, following = original(state_def, raw_input, *execution_and_ctx)
            for act in _after_state:
                act(frame, output)
        finally:
            _current.reset(token)
        return output, following

    return execute


def _complete_context(ctx: dict[str, Any]) -> None:
    execution = ctx.get("Execution", {})
    machine = stepfunctions._state_machines.get(ctx.get("StateMachine", {}).get("Id"))
    if machine:
        execution.setdefault("RoleArn", machine["roleArn"])
        execution.setdefault("RedriveCount", 0)


def _with_own_scope(original: Any) -> Any:
    """Let branches and iterations see the variables around them, and change only their own."""

    def run(states: Any, start_at: str, input_data: Any, execution: Any, ctx: dict[str, Any]) -> Any:
        own = {**ctx, "variables": dict(ctx.get("variables") or {})}
        return original(states, start_at, input_data, execution, own)

    return run


def _noting_result(original: Any) -> Any:
    def apply_result_selector(state_def: dict[str, Any], data: Any) -> Any:
        if (frame := current()) is not None:
            frame.result = data
        return original(state_def, data)

    return apply_result_selector


def _noting_catch(original: Any) -> Any:
    def apply_catcher(catcher: Any, raw_input: Any, ctx: Any, query_language: str, error_output: Any) -> Any:
        if (frame := current()) is not None:
            frame.caught = True
        return original(catcher, raw_input, ctx, query_language, error_output)

    return apply_catcher
