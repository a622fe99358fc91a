"""Rules on logs, functions and images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from security.checks.deployed import Call, Resource
from security.checks.rules.rule import of_calls, of_resources

_SECRET_NAME = re.compile(r"(?i)(password|passwd|token|api_?key|secret|credential)s?$")
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN|xox[abprs]-|gh[pousr]_[A-Za-z0-9]{36}")
_IMAGE = re.compile(r"(image|imageuri|trainingimage)$", re.IGNORECASE)
_MUTABLE = re.compile(r"(:latest|/[^:@/]+)$")


@of_resources("AWS::Logs::LogGroup")
def logs_have_the_key_and_an_end(resource: Resource) -> Iterator[str]:
    """Encrypt logs with a key, and keep them for a time."""
    for name in ("KmsKeyId", "RetentionInDays"):
        if not resource.properties.get(name):
            yield f"{name} is missing"


@of_resources("AWS::Lambda::Function")
def variables_of_functions_have_the_key(resource: Resource) -> Iterator[str]:
    """Encrypt the environment of functions with a key."""
    if resource.properties.get("Environment") and not resource.properties.get("KmsKeyArn"):
        yield "KmsKeyArn is missing"


@of_resources("AWS::Lambda::Function", "AWS::CodeBuild::Project", "AWS::Glue::Job")
def variables_hold_no_secrets(resource: Resource) -> Iterator[str]:
    """Keep secrets out of environments, arguments and templates: they may name one, or where it lies."""
    for name, value in _texts(resource.properties, ""):
        named = _SECRET_NAME.search(name) and not value.startswith("arn:") and not name.endswith("_NAME")
        if _SECRET_VALUE.search(value) or (named and not _is_reference(value)):
            yield f"{name} holds a secret"


def _is_reference(value: str) -> bool:
    """Tell whether a value says where a secret lies: in Secrets Manager, by its name with slashes."""
    return "/" in value or value == ""


@of_resources("AWS::ECR::Repository")
def tags_of_images_are_never_moved(resource: Resource) -> Iterator[str]:
    """Let a tag name one image for ever, and have each image scanned."""
    if resource.properties.get("ImageTagMutability") != "IMMUTABLE":
        yield "ImageTagMutability is not IMMUTABLE"
    if resource.properties.get("ImageScanningConfiguration", {}).get("ScanOnPush") is not True:
        yield "ScanOnPush is off"


@of_calls()
def images_are_pinned(call: Call) -> Iterator[str]:
    """Name images by digest, or by a tag that is not moved."""
    for name, value in _texts(call.arguments, ""):
        if _IMAGE.search(name) and not value.startswith("{%") and _MUTABLE.search(value):
            yield f"{name} is {value}"


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of all texts below `value`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
    elif isinstance(value, str):
        yield name, value
