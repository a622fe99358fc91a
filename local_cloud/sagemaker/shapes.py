"""Checks requests against, and trims answers to, the service model that botocore carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from local_cloud.sagemaker.errors import ApiError, invalid


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def known_operation(name: str, service: str = "sagemaker") -> bool:
    """Tell whether the service has an operation of this name."""
    return name in _model(service).operation_names


def check_request(operation: str, request: dict[str, Any], service: str = "sagemaker") -> None:
    """Raise ``ValidationException`` in AWS's words if `request` does not fit the operation's input."""
    shape = _model(service).operation_model(operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise ApiError("ValidationException", report.generate_report())
    complaints = list(_complaints(shape, request, ""))
    if complaints:
        noun = "error" if len(complaints) == 1 else "errors"
        raise invalid(f"{len(complaints)} validation {noun} detected: {'; '.join(complaints)}")


def fit_answer(operation: str, answer: dict[str, Any], service: str = "sagemaker") -> dict[str, Any]:
    """Return only what the operation's output has."""
    shape = _model(service).operation_model(operation).output_shape
    fitted = _fit(shape, answer) if shape is not None else {}
    return fitted if isinstance(fitted, dict) else {}


def _fit(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = shape.members
        return {
            name: _fit(members[name], v) for name, v in value.items() if name in members and v is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_fit(shape.member, item) for item in value]
    return value


def _complaints(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from _string_complaints(shape, value, path)
    elif (most := shape.metadata.get("max")) is not None:
        yield from _size_complaints(value, most, path)
    for member, item, where in _children(shape, value, path):
        yield from _complaints(member, item, where)


def _children(shape: Shape, value: Any, path: str) -> Iterator[tuple[Shape, Any, str]]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield member, value[name], f"{path}.{_lower(name)}".lstrip(".")
    elif isinstance(shape, ListShape):
        for i, item in enumerate(value):
            yield shape.member, item, f"{path}.{i + 1}.member"
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield shape.value, item, f"{path}.{key}.member"


def _string_complaints(shape: Shape, value: str, path: str) -> Iterator[str]:
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must "
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        yield f"{failed}satisfy enum value set: [{', '.join(enum)}]"
    if (longest := shape.metadata.get("max")) is not None and len(value) > longest:
        yield f"{failed}have length less than or equal to {longest}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield f"{failed}satisfy regular expression pattern: {pattern}"


def _size_complaints(value: Any, most: float, path: str) -> Iterator[str]:
    failed = f"Value at '{path}' failed to satisfy constraint: Member must have "
    if isinstance(value, (list, dict)) and len(value) > most:
        yield f"{failed}length less than or equal to {most}"
    elif isinstance(value, (int, float)) and value > most:
        yield f"{failed}value less than or equal to {most}"


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # a pattern that only Java understands
        return True


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
