"""Where the transitions of a state machine's definition lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def dangling(definition: Mapping[str, Any]) -> list[str]:
    """Name the transitions that lead to no state.

    Examples
    --------
    >>> dangling({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
    ['B']
    """
    states = definition["States"]
    targets = {definition["StartAt"]}.union(*(_targets(state) for state in states.values()))
    return sorted(targets - states.keys())


def unreachable(definition: Mapping[str, Any]) -> list[str]:
    """Name the states that no transition leads to.

    Examples
    --------
    >>> unreachable({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}, "B": {"Type": "Succeed"}}})
    ['B']
    """
    states, seen, todo = definition["States"], set(), [definition["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _targets(states.get(name, {}))
    return sorted(states.keys() - seen)


def _targets(state: Mapping[str, Any]) -> Iterator[str]:
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", []))
