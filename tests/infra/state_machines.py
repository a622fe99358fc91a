"""Reads state machine definitions out of synthesised templates, and checks them as AWS would."""

import json

from jsonata import Jsonata

from security.checks import argument_shapes
from security.checks.argument_shapes import JSONATA
from security.checks.deployed import called
from security.checks.transitions import dangling, unreachable

__all__ = [
    "JSONATA",
    "complaints",
    "dangling",
    "definitions",
    "expressions",
    "flaws",
    "parses",
    "tasks",
    "unreachable",
]


def definitions(template):
    """Return the definition of every state machine of a template, with tokens as placeholders."""
    machines = template.find_resources("AWS::StepFunctions::StateMachine")
    return {
        name: json.loads(_text(machine["Properties"]["DefinitionString"]))
        for name, machine in machines.items()
    }


def _text(value):
    if isinstance(value, str):
        return value
    parts = value["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else _placeholder(part) for part in parts)


def _placeholder(token):
    if token.get("Ref") == "AWS::Partition":
        return "aws"
    return "arn:aws:service:::token" if str(token).count("Arn") else "token"


def flaws(definition):
    """Say what is wrong with a definition: its calls, its transitions, and what is no JSONata."""
    return [
        *(f"{name}: {what}" for name, state in tasks(definition).items() for what in complaints(state)),
        *(f"{name} is no state" for name in dangling(definition)),
        *(f"{name} is not reached" for name in unreachable(definition)),
        *(f"no JSONata: {found}" for found in expressions(definition) if not parses(found)),
    ]


def tasks(definition):
    """Return the task states by name."""
    return {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}


def expressions(value):
    """Yield every JSONata expression in a part of a definition."""
    if isinstance(value, dict):
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)
    elif isinstance(value, str) and (found := JSONATA.match(value)):
        yield found[1]


def parses(expression):
    """Tell whether `expression` is JSONata."""
    try:
        Jsonata(expression)
    except Exception:
        return False
    return True


def complaints(state):
    """Say what botocore's model of the called operation finds wrong with a task's arguments."""
    return argument_shapes.complaints(*called(state["Resource"]), state.get("Arguments", {}))
