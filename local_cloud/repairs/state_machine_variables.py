"""Repair: ``Assign`` works in JSONPath states, and all variables of one ``Assign`` change at the same time."""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

from local_cloud.adapters.patching import replace
from local_cloud.repairs.state_frame import Frame, after_state, current
from local_cloud.repairs.state_machine_paths import resolve_template
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Assign after a state's work, after a choice and after a caught error."""
    replace(
        stepfunctions,
        "_apply_state_assign",
        "state_def raw_input ctx result error_output",
        lambda original: _assign_by_jsonata,
    )
    replace(
        stepfunctions, "_apply_catcher", "catcher raw_input ctx query_language error_output", _assigning_error
    )
    replace(stepfunctions, "_execute_choice", "state_def raw_input ctx", _assigning_choice)
    after_state(_assign_by_paths)


def _assign_by_jsonata(
    state_def: dict[str, Any],
    raw_input: Any,
    ctx: dict[str, Any] | None,
    result: Any = None,
    error_output: Any = None,
) -> None:
    """Evaluate the expressions with the old values, then set the new ones."""
    if ctx is None or not state_def.get("Assign") or not _in_jsonata(state_def, ctx):
        return
    assigned = stepfunctions._apply_jsonata_template(
        state_def["Assign"], raw_input, ctx, result=result, error_output=error_output
    )
    ctx.setdefault("variables", {}).update(assigned)


def _in_jsonata(state_def: dict[str, Any], ctx: dict[str, Any]) -> bool:
    """Tell the language of a state, or of a part of one, which has the language of the state around it."""
    frame = current()
    return frame.jsonata if frame else stepfunctions._state_query_language(state_def, ctx) == "JSONata"


def _assign_by_paths(frame: Frame, output: Any) -> None:
    # A choice assigns by its rules, and a caught error by its catcher.
    if frame.jsonata or frame.caught or frame.state.get("Type") == "Choice":
        return
    _assign(frame.state, frame.result, frame.ctx)


def _assign(part: dict[str, Any], data: Any, ctx: dict[str, Any]) -> None:
    if part.get("Assign"):
        ctx.setdefault("variables", {}).update(resolve_template(part["Assign"], data, ctx))


def _assigning_error(original: Any) -> Any:
    def apply_catcher(
        catcher: dict[str, Any], raw_input: Any, ctx: dict[str, Any], query_language: str, error_output: Any
    ) -> Any:
        output = original(catcher, raw_input, ctx, query_language, error_output)
        if query_language != "JSONata":
            _assign(catcher, error_output, ctx)
        return output

    return apply_catcher


def _assigning_choice(original: Any) -> Any:
    def execute_choice(state_def: dict[str, Any], raw_input: Any, ctx: dict[str, Any]) -> Any:
        if _in_jsonata(state_def, ctx):
            return original(state_def, raw_input, ctx)
        data = stepfunctions._apply_input_path(state_def, raw_input, ctx)
        rules = state_def.get("Choices", [])
        chosen = next((rule for rule in rules if stepfunctions._evaluate_rule(rule, data, ctx)), None)
        if chosen is None and "Default" not in state_def:
            return original(state_def, raw_input, ctx)  # fails with AWS's error
        _assign(chosen or state_def, data, ctx)
        following = chosen["Next"] if chosen else state_def["Default"]
        return stepfunctions._apply_output_path(state_def, data, ctx), following

    return execute_choice
