"""Repair: JSONata in Succeed, Parallel and Choice states, and a context object without the emulator's own fields."""

from __future__ import annotations

import functools
import json
from typing import Any

from ministack.services import stepfunctions

from local_cloud.adapters.patching import replace
from local_cloud.repairs.state_frame import context_object
from local_cloud.settings import Settings

_BRANCHES_ONLY = ("Type", "Branches")


def install(settings: Settings) -> None:
    """Evaluate what the emulator passes over."""
    replace(stepfunctions, "_apply_output_path", "state_def data ctx", _with_output)
    replace(stepfunctions, "_run_parallel_branches", "state_def raw_input execution ctx", _with_arguments)
    replace(stepfunctions, "_evaluate_jsonata_choice_rule", "rule raw_input ctx", _holding_to_boolean)
    replace(stepfunctions, "_execute_choice", "state_def raw_input ctx", _with_output_of_default)
    replace(
        stepfunctions, "_evaluate_jsonata", "expression raw_input ctx result error_output", _seeing_context
    )


def _with_output(original: Any) -> Any:
    """End a Succeed state with its ``Output``; the emulator knows only ``OutputPath``."""

    def apply_output_path(state_def: dict[str, Any], data: Any, ctx: dict[str, Any] | None = None) -> Any:
        if stepfunctions._state_query_language(state_def, ctx) != "JSONata":
            return original(state_def, data, ctx)
        if state_def.get("Type") != "Succeed":
            return data
        return stepfunctions._apply_jsonata_output(state_def, data, ctx, default=data)

    return apply_output_path


def _with_arguments(original: Any) -> Any:
    def run_parallel_branches(
        state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: dict[str, Any]
    ) -> Any:
        if stepfunctions._state_query_language(state_def, ctx) != "JSONata":
            return original(state_def, raw_input, execution, ctx)
        arguments = stepfunctions._apply_jsonata_arguments(state_def, raw_input, ctx)
        branches = {name: state_def[name] for name in _BRANCHES_ONLY if name in state_def}
        results, _ = original(branches, arguments, execution, ctx)
        output = stepfunctions._apply_jsonata_output(
            state_def, raw_input, ctx, result=results, default=results
        )
        stepfunctions._apply_state_assign(state_def, raw_input, ctx, result=results)
        return output, stepfunctions._next_or_end(state_def)

    return run_parallel_branches


def _holding_to_boolean(original: Any) -> Any:
    def evaluate(rule: dict[str, Any], raw_input: Any, ctx: dict[str, Any]) -> bool:
        value = stepfunctions._apply_jsonata_template(rule.get("Condition"), raw_input, ctx)
        if isinstance(value, bool):
            return value
        raise stepfunctions._ExecutionError(
            "States.QueryEvaluationError",
            "The JSONata expression specified for the field 'Condition' returned an unexpected result type. "
            f"Expected 'boolean', but was '{stepfunctions._json_type(value)}' for value: {json.dumps(value)}",
        )

    return evaluate


def _with_output_of_default(original: Any) -> Any:
    def execute_choice(state_def: dict[str, Any], raw_input: Any, ctx: dict[str, Any]) -> Any:
        rules = state_def.get("Choices", [])
        if stepfunctions._state_query_language(state_def, ctx) != "JSONata" or "Output" not in state_def:
            return original(state_def, raw_input, ctx)
        chosen = next(
            (r for r in rules if stepfunctions._evaluate_jsonata_choice_rule(r, raw_input, ctx)), None
        )
        # A rule without an output of its own, and the default, have the state's.
        part = chosen if chosen and "Output" in chosen else state_def
        if chosen is None and "Default" not in state_def:
            return original(state_def, raw_input, ctx)
        output = stepfunctions._apply_jsonata_output(part, raw_input, ctx, default=raw_input)
        stepfunctions._apply_state_assign(chosen or state_def, raw_input, ctx)
        return output, chosen["Next"] if chosen else state_def["Default"]

    return execute_choice


class _Context(dict[str, Any]):
    """The context object; the emulator still finds its variables in it, an expression does not."""

    def __init__(self, ctx: dict[str, Any]) -> None:
        super().__init__(context_object(ctx))
        self._variables = ctx.get("variables", {})

    def get(self, name: str, default: Any = None) -> Any:
        return self._variables if name == "variables" else super().get(name, default)


def _seeing_context(original: Any) -> Any:
    @functools.wraps(original)
    def evaluate(
        expression: str, raw_input: Any, ctx: dict[str, Any] | None = None, *rest: Any, **named: Any
    ) -> Any:
        return original(expression, raw_input, _Context(ctx or {}), *rest, **named)

    return evaluate
