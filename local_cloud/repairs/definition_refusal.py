"""Repair: an invalid state machine is refused when it is created, updated or deployed."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import json_response
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import replace, require
from local_cloud.repairs.definition_check import check_definition, refusal
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Check definitions wherever they enter."""
    replace(stepfunctions, "_validate_definition_jsonata", "definition_str", _refusing)
    replace(stepfunctions, "_validate_state_machine_definition", "data", lambda original: _validate)
    require(provisioners, "_sfn_handler_error", "message")
    replace(provisioners, "_sfn_definition", "props", _refusing_templates)


def _refusing(original: Any) -> Any:
    def problem_of(definition_str: str) -> str | None:
        problems = check_definition(definition_str)
        if problems:
            return refusal(problems)
        expression = original(definition_str)
        return f"Invalid State Machine Definition: '{expression}'" if expression else None

    return problem_of


def _validate(data: dict[str, Any]) -> Any:
    problems = check_definition(data.get("definition", ""))
    diagnostics = [
        {"severity": "ERROR", "code": p.code, "message": p.message, "location": p.location} for p in problems
    ]
    return json_response(
        {"result": "FAIL" if problems else "OK", "diagnostics": diagnostics, "truncated": False}
    )


def _refusing_templates(original: Any) -> Any:
    def definition(props: dict[str, Any]) -> str:
        text = str(original(props))
        if problem := stepfunctions._validate_definition_jsonata(text):
            raise provisioners._sfn_handler_error(problem)
        return text

    return definition
