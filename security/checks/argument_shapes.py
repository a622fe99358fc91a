"""Whether the arguments of a call are what botocore's model of its operation takes, as far as they are known before it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model

JSONATA = re.compile(r"^\{%(.*)%\}$", re.DOTALL)
_SERVICES = {"states": "stepfunctions"}  # botocore's name for it
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "float": (int, float),
}


def complaints(service: str, operation: str, arguments: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with the arguments; what is an expression in JSONata is taken to be right.

    Examples
    --------
    >>> complaints("sagemaker", "CreateTrainingJobb", {})
    ['sagemaker has no operation CreateTrainingJobb']
    >>> complaints("sqs", "SendMessage", {"QueueUrl": "{% $url %}", "Colour": "red"})
    ['SendMessage.Colour does not exist', 'SendMessage.MessageBody is missing']
    """
    model = _model(_SERVICES.get(service, service))
    if operation not in model.operation_names:
        return [f"{service} has no operation {operation}"]
    return list(_mismatches(model.operation_model(operation).input_shape, arguments, operation))


@cache
def _model(service: str) -> Any:
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service)


def _mismatches(shape: Any, value: Any, path: str) -> Iterator[str]:
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


def _of_structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is no structure"
        return
    yield from (f"{path}.{name} does not exist" for name in sorted(value.keys() - shape.members.keys()))
    yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
    for name in value.keys() & shape.members.keys():
        yield from _mismatches(shape.members[name], value[name], f"{path}.{name}")


def _of_scalar(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = _KINDS.get(shape.type_name)
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
