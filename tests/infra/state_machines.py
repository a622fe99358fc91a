"""Reads state machine definitions out of synthesised templates, and checks them as AWS would."""

import json
import re

import botocore.loaders
import botocore.model
from jsonata import Jsonata

JSONATA = re.compile(r"^\{%(.*)%\}$", re.DOTALL)
_LOADER = botocore.loaders.Loader()
_OPTIMISED = {"lambda:invoke": ("lambda", "Invoke")}


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


def dangling(definition):
    """Name the transitions that lead to no state."""
    states = definition["States"]
    targets = {definition["StartAt"]}
    for state in states.values():
        targets |= {state.get("Next"), state.get("Default")}
        targets |= {rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", [])}
    return sorted(targets - {None} - states.keys())


def unreachable(definition):
    """Name the states that no transition leads to."""
    states, seen, todo = definition["States"], set(), [definition["StartAt"]]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        state = states.get(name, {})
        todo += [state[key] for key in ("Next", "Default") if key in state]
        todo += [rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", [])]
    return sorted(states.keys() - seen)


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
    service, operation = _operation(state["Resource"])
    model = botocore.model.ServiceModel(_LOADER.load_service_model(service, "service-2"), service)
    if operation not in model.operation_names:
        return [f"{service} has no operation {operation}"]
    shape = model.operation_model(operation).input_shape
    return list(_mismatches(shape, state.get("Arguments", {}), operation))


def _operation(resource):
    called = (
        resource.removeprefix("arn:aws:states:::").removesuffix(".sync").removesuffix(".waitForTaskToken")
    )
    if called in _OPTIMISED:
        return _OPTIMISED[called]
    service, action = called.removeprefix("aws-sdk:").split(":")
    return service, action[0].upper() + action[1:]


def _mismatches(shape, value, path):
    if isinstance(value, str) and JSONATA.match(value):
        return
    if shape.type_name == "structure":
        yield from _of_structure(shape, value, path)
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _mismatches(shape.member, item, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _mismatches(shape.value, item, f"{path}.{key}")
    else:
        yield from _of_scalar(shape, value, path)


def _of_structure(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path} is no structure"
        return
    yield from (f"{path}.{name} does not exist" for name in sorted(value.keys() - shape.members.keys()))
    yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
    for name in value.keys() & shape.members.keys():
        yield from _mismatches(shape.members[name], value[name], f"{path}.{name}")


def _of_scalar(shape, value, path):
    kinds = {"string": str, "integer": int, "long": int, "boolean": bool, "float": (int, float)}
    kind = kinds.get(shape.type_name)
    if kind and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        yield f"{path} is {value!r}, not a {shape.type_name}"
        return
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        yield f"{path} is {value!r}, not one of {enum}"
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    size = len(value) if isinstance(value, str) else value
    if isinstance(size, int) and ((least is not None and size < least) or (most is not None and size > most)):
        yield f"{path} is outside of {least}..{most}"
