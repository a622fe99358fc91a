"""Finds what is wrong with a state machine's definition before it runs, as AWS does when it is created."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SCHEMA = "SCHEMA_VALIDATION_FAILED"
_TARGET = "MISSING_TRANSITION_TARGET"
_LANGUAGES = ("JSONPath", "JSONata")
_MAX_NAME = 80

_COMMON = {"Type", "Comment", "QueryLanguage", "Assign", "Next", "End"}
_PATHS = {"InputPath", "OutputPath"}
_RESULT = {"ResultPath", "ResultSelector", "Parameters"}
_HANDLING = {"Retry", "Catch"}
_TIMES = {"TimeoutSeconds", "HeartbeatSeconds"}
_TIME_PATHS = {"TimeoutSecondsPath", "HeartbeatSecondsPath"}
_MAP = {"ItemProcessor", "Iterator", "ItemReader", "ItemSelector", "ItemBatcher", "ResultWriter", "Label"}
_MAP_LIMITS = {"MaxConcurrency", "ToleratedFailurePercentage", "ToleratedFailureCount"}
_MAP_PATHS = {f"{limit}Path" for limit in _MAP_LIMITS} | {"ItemsPath"}


@dataclass(frozen=True)
class _Fields:
    """Which fields a type of state has: in both languages, and in one only; and which it must have."""

    both: frozenset[str]
    json_path: frozenset[str]
    jsonata: frozenset[str]
    required: tuple[str, ...] = ()


def _fields(
    both: Iterable[str] = (), json_path: Iterable[str] = (), jsonata: Iterable[str] = (), required: str = ""
) -> _Fields:
    return _Fields(
        frozenset(both) | _COMMON, frozenset(json_path), frozenset(jsonata), tuple(required.split())
    )


_STATES = {
    "Pass": _fields((), _PATHS | {"ResultPath", "Parameters", "Result", "ResultSelector"}, {"Output"}),
    "Task": _fields(
        _HANDLING | _TIMES | {"Resource", "Credentials"},
        _PATHS | _RESULT | _TIME_PATHS,
        {"Arguments", "Output"},
        "Resource",
    ),
    "Choice": _fields({"Choices", "Default"}, _PATHS, {"Output"}, "Choices"),
    "Wait": _fields({"Seconds", "Timestamp"}, _PATHS | {"SecondsPath", "TimestampPath"}, {"Output"}),
    "Succeed": _fields((), _PATHS, {"Output"}),
    "Fail": _fields({"Error", "Cause"}, {"ErrorPath", "CausePath"}),
    "Parallel": _fields(_HANDLING | {"Branches"}, _PATHS | _RESULT, {"Arguments", "Output"}, "Branches"),
    "Map": _fields(_HANDLING | _MAP | _MAP_LIMITS, _PATHS | _RESULT | _MAP_PATHS, {"Items", "Output"}),
}
_ENDS = ("Succeed", "Fail")
_RULE_OPERATIONS = ("And", "Or", "Not", "Variable")


@dataclass(frozen=True)
class Problem:
    """One finding.

    Parameters
    ----------
    code : str
        AWS's kind, e.g. ``MISSING_TRANSITION_TARGET``.
    message : str
        What is wrong.
    location : str
        Where, e.g. ``/States/Train/Next``.
    """

    code: str
    message: str
    location: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location}"


def check_definition(definition: str) -> list[Problem]:
    """Find all problems of a definition.

    Parameters
    ----------
    definition : str
        Amazon States Language.

    Returns
    -------
    list of Problem
        Empty if AWS would accept it.

    References
    ----------
    .. [1] https://states-language.net/spec.html

    Examples
    --------
    >>> text = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "ZZ"}, "B": {"Type": "Succeed"}}}'
    >>> for problem in check_definition(text):
    ...     print(problem)
    MISSING_TRANSITION_TARGET: Missing 'Next' target: ZZ at /States/A/Next
    MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B
    """
    try:
        machine = json.loads(definition)
    except ValueError as error:
        return [Problem("INVALID_JSON_DESCRIPTION", f"The definition is not JSON: {error}", "/")]
    if not isinstance(machine, dict):
        return [Problem("INVALID_JSON_DESCRIPTION", "The definition is not a JSON object", "/")]
    language = machine.get("QueryLanguage", "JSONPath")
    if language not in _LANGUAGES:
        return [Problem(_SCHEMA, f"QueryLanguage is one of {', '.join(_LANGUAGES)}", "/QueryLanguage")]
    return [*_machine(machine, "", language), *_duplicates(machine)]


def refusal(problems: Iterable[Problem]) -> str:
    """Put problems into the message of AWS's ``InvalidDefinition``."""
    return f"Invalid State Machine Definition: '{', '.join(map(str, problems))}'"


# --- a machine, a branch, an item processor


def _machine(machine: Mapping[str, Any], path: str, language: str) -> Iterator[Problem]:
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield Problem(
            _SCHEMA, "The field 'States' is required and must have at least one state", f"{path}/States"
        )
        return
    if not isinstance(machine.get("StartAt"), str):
        yield Problem(_SCHEMA, "The field 'StartAt' is required", f"{path}/StartAt")
    elif machine["StartAt"] not in states:
        yield Problem(_TARGET, f"Missing 'StartAt' target: {machine['StartAt']}", f"{path}/StartAt")
    for name, state in states.items():
        yield from _state(name, state, states, f"{path}/States/{name}", language)
    if all(isinstance(state, dict) for state in states.values()):
        yield from _flow(machine, states, path)


def _flow(machine: Mapping[str, Any], states: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if not any(state.get("End") is True or state.get("Type") in _ENDS for state in states.values()):
        yield Problem("MISSING_TERMINAL_STATE", "No terminal state", f"{path}/States")
    start = machine.get("StartAt")
    reached: set[str] = set()
    waiting = {name for name in states if name == start}
    while waiting:
        reached |= waiting
        waiting = {target for name in waiting for _, target in _targets(states[name])} & set(states) - reached
    for name in states:
        if name not in reached and start in states:
            yield Problem(_TARGET, f'State "{name}" is not reachable.', f"{path}/States/{name}")


def _duplicates(machine: Mapping[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, path in _names(machine, ""):
        if name in seen:
            yield Problem("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", path)
        seen.add(name)


def _names(machine: Any, path: str) -> Iterator[tuple[str, str]]:
    for name, state in ((machine.get("States") if isinstance(machine, dict) else None) or {}).items():
        yield name, f"{path}/States/{name}"
        if isinstance(state, dict):
            for place, inner in _inner_machines(state):
                yield from _names(inner, f"{path}/States/{name}/{place}")


def _inner_machines(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    branches = state.get("Branches")
    yield from ((f"Branches[{i}]", b) for i, b in enumerate(branches if isinstance(branches, list) else ()))
    yield from ((place, state[place]) for place in ("ItemProcessor", "Iterator") if place in state)


# --- a state


def _state(
    name: str, state: Any, states: Mapping[str, Any], path: str, machine_language: str
) -> Iterator[Problem]:
    if not isinstance(state, dict) or state.get("Type") not in _STATES:
        yield Problem(
            _SCHEMA, f"The field 'Type' is required and one of {', '.join(_STATES)}", f"{path}/Type"
        )
        return
    if len(name) > _MAX_NAME:
        yield Problem(_SCHEMA, f"A state's name has at most {_MAX_NAME} characters", path)
    language = state.get("QueryLanguage", machine_language)
    if machine_language == "JSONata" and language != "JSONata":
        yield Problem(
            _SCHEMA, "A state of a JSONata state machine cannot be in JSONPath", f"{path}/QueryLanguage"
        )
    yield from _known_fields(state, path, language)
    yield from _transitions(state, states, path)
    yield from _choices(state, path, language)
    yield from _handlers(state, path)
    yield from _inner(state, path, language)


def _known_fields(state: Mapping[str, Any], path: str, language: str) -> Iterator[Problem]:
    known = _STATES[state["Type"]]
    own, other = (
        (known.json_path, known.jsonata) if language == "JSONPath" else (known.jsonata, known.json_path)
    )
    for field in state:
        if field in known.both or field in own:
            continue
        if field in other:
            yield Problem(
                _SCHEMA, f"The field '{field}' is not supported in a {language} state", f"{path}/{field}"
            )
        else:
            yield Problem(
                _SCHEMA, f"The field '{field}' is not supported in a {state['Type']} state", f"{path}/{field}"
            )
    for field in known.required:
        if not state.get(field):
            yield Problem(_SCHEMA, f"The field '{field}' is required", f"{path}/{field}")
    if state["Type"] == "Map" and not ({"ItemProcessor", "Iterator"} & set(state)):
        yield Problem(_SCHEMA, "The field 'ItemProcessor' is required", f"{path}/ItemProcessor")
    if state["Type"] == "Wait" and not (
        {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"} & set(state)
    ):
        yield Problem(_SCHEMA, "One of 'Seconds' and 'Timestamp' is required", path)


def _transitions(state: Mapping[str, Any], states: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if state["Type"] in (*_ENDS, "Choice"):
        if "Next" in state or "End" in state:
            yield Problem(_SCHEMA, f"A {state['Type']} state has neither 'Next' nor 'End'", path)
    elif ("Next" in state) == (state.get("End") is True):
        yield Problem(_SCHEMA, "Exactly one of 'Next' and 'End' is required", path)
    for place, target in _targets(state):
        if target not in states:
            field = place.rpartition("/")[2]
            yield Problem(_TARGET, f"Missing '{field}' target: {target}", f"{path}/{place}")


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((field, state[field]) for field in ("Next", "Default") if field in state)
    for field in ("Choices", "Catch"):
        parts = state.get(field)
        for i, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict) and "Next" in part:
                yield f"{field}[{i}]/Next", part["Next"]


def _choices(state: Mapping[str, Any], path: str, language: str) -> Iterator[Problem]:
    rules = state.get("Choices") if state["Type"] == "Choice" else None
    for i, rule in enumerate(rules if isinstance(rules, list) else ()):
        place = f"{path}/Choices[{i}]"
        if not isinstance(rule, dict) or "Next" not in rule:
            yield Problem(_SCHEMA, "The field 'Next' is required", f"{place}/Next")
            continue
        if language == "JSONata" and "Condition" not in rule:
            yield Problem(_SCHEMA, "The field 'Condition' is required", f"{place}/Condition")
        if language == "JSONPath" and not any(operation in rule for operation in _RULE_OPERATIONS):
            yield Problem(_SCHEMA, f"One of {', '.join(_RULE_OPERATIONS)} is required", place)


def _handlers(state: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for field, required in (("Retry", ("ErrorEquals",)), ("Catch", ("ErrorEquals", "Next"))):
        parts = state.get(field, [])
        if not isinstance(parts, list):
            yield Problem(_SCHEMA, f"The field '{field}' must be an array", f"{path}/{field}")
            continue
        for i, part in enumerate(parts):
            place = f"{path}/{field}[{i}]"
            for name in required:
                if not part.get(name):
                    yield Problem(_SCHEMA, f"The field '{name}' is required", f"{place}/{name}")
            errors = part.get("ErrorEquals") or []
            if "States.ALL" in errors and (len(errors) > 1 or i < len(parts) - 1):
                yield Problem(_SCHEMA, "'States.ALL' must stand alone, and last", f"{place}/ErrorEquals")
            yield from _retry_numbers(part, place)


def _retry_numbers(retrier: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for field, least in (
        ("IntervalSeconds", 1),
        ("MaxAttempts", 0),
        ("BackoffRate", 1),
        ("MaxDelaySeconds", 1),
    ):
        value = retrier.get(field, least)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            yield Problem(_SCHEMA, f"'{field}' must be at least {least}", f"{path}/{field}")
    if retrier.get("JitterStrategy", "NONE") not in ("NONE", "FULL"):
        yield Problem(_SCHEMA, "'JitterStrategy' is one of NONE, FULL", f"{path}/JitterStrategy")


def _inner(state: Mapping[str, Any], path: str, language: str) -> Iterator[Problem]:
    for place, machine in _inner_machines(state):
        if isinstance(machine, dict):
            yield from _machine(machine, f"{path}/{place}", machine.get("QueryLanguage", language))
        else:
            yield Problem(_SCHEMA, "A JSON object is required", f"{path}/{place}")
