"""Repair: JSONPath in states has filters, variables and the context object, and a path to nothing is an error."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions

from local_cloud.adapters.patching import replace
from local_cloud.repairs.json_path import PathError, select
from local_cloud.repairs.state_frame import context_object, current, state_error
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Resolve paths and templates ourselves."""
    replace(stepfunctions, "_resolve_path", "path data", lambda original: resolve_path)
    replace(stepfunctions, "_resolve_ctx_path", "path ctx", lambda original: _resolve_context_path)
    replace(stepfunctions, "_resolve_params_obj", "template data ctx", lambda original: resolve_template)
    replace(stepfunctions, "_apply_result_selector", "state_def data", _with_context)
    replace(
        stepfunctions, "_apply_result_path_raw", "result_path original result", _refusing_what_has_no_place
    )
    replace(stepfunctions, "_evaluate_rule", "rule data ctx", _knowing_presence)


def resolve_path(path: str, data: Any) -> Any:
    """Resolve a path of any kind: into `data`, a variable, or the context object."""
    try:
        return _select(path, data)
    except PathError as error:
        raise state_error("States.Runtime", f"Invalid path '{path}': {error}") from error


def _select(path: str, data: Any) -> Any:
    """Select by a path; ``$$`` is the context object, ``$name`` a variable, all else is in `data`."""
    if not path or not path.startswith("$"):
        return data
    frame = current()
    if path.startswith("$$"):
        return select(path[1:], context_object(frame.ctx if frame else {}))
    if len(path) > 1 and path[1] not in ".[":
        return select(f"$.{path[1:]}", (frame.ctx.get("variables") if frame else None) or {})
    return select(path, data)


def _resolve_context_path(path: str, ctx: dict[str, Any]) -> Any:
    try:
        return select(path[1:], context_object(ctx))
    except PathError as error:
        raise state_error("States.Runtime", f"Invalid path '{path}': {error}") from error


def resolve_template(template: Any, data: Any, ctx: dict[str, Any] | None = None) -> Any:
    """Fill in a payload template: keys that end with ``.$`` name paths and intrinsic functions."""
    if isinstance(template, list):
        return [resolve_template(item, data, ctx) for item in template]
    if not isinstance(template, dict):
        return template
    filled = {}
    for key, value in template.items():
        if key.endswith(".$"):
            filled[key[:-2]] = _resolve_field(key, value, data, ctx)
        else:
            filled[key] = resolve_template(value, data, ctx)
    return filled


def _resolve_field(key: str, expression: str, data: Any, ctx: dict[str, Any] | None) -> Any:
    if expression.startswith("States."):
        return stepfunctions._evaluate_intrinsic(expression, data, ctx or _frame_ctx())
    # An item's context object has `Map`, which the state's own does not.
    searched = context_object(ctx or _frame_ctx()) if expression.startswith("$$") else data
    try:
        if expression.startswith("$$"):
            return select(expression[1:], searched)
        return _select(expression, data)
    except PathError as error:
        raise state_error(
            "States.Runtime",
            f"The JSONPath '{expression}' specified for the field '{key}' could not be found in the input "
            f"'{json.dumps(searched)}'",
        ) from error


def _frame_ctx() -> dict[str, Any]:
    frame = current()
    return frame.ctx if frame else {}


def _with_context(original: Any) -> Any:
    """Let a result selector name the context object, too."""

    def apply_result_selector(state_def: dict[str, Any], data: Any) -> Any:
        selector = state_def.get("ResultSelector")
        return resolve_template(selector, data, _frame_ctx()) if selector else data

    return apply_result_selector


def _refusing_what_has_no_place(original: Any) -> Any:
    def apply_result_path(result_path: str | None, state_input: Any, result: Any) -> Any:
        if result_path not in (None, "$") and not isinstance(state_input, dict):
            raise state_error(
                "States.ResultPathMatchFailure",
                f"Unable to apply ReferencePath {result_path} to input {json.dumps(state_input)}",
            )
        return original(result_path, state_input, result)

    return apply_result_path


def _knowing_presence(original: Any) -> Any:
    """Tell a null from a missing value, and refuse to compare what is missing."""

    def evaluate_rule(rule: dict[str, Any], data: Any, ctx: dict[str, Any] | None = None) -> bool:
        variable = rule.get("Variable")
        if variable is None:
            return bool(original(rule, data, ctx))
        try:
            value = _select(variable, data)
        except PathError as error:
            if "IsPresent" in rule:
                return not rule["IsPresent"]
            raise state_error(
                "States.Runtime",
                f"Invalid path '{variable}': The choice state's condition path references an invalid value.",
            ) from error
        if "IsPresent" in rule:
            return bool(rule["IsPresent"])
        if "IsNumeric" in rule and isinstance(value, bool):
            return not rule["IsNumeric"]
        return bool(original(rule, data, ctx))

    return evaluate_rule
