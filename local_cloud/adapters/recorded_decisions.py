"""Writes down what each role asked for and whether it was allowed, so that policies can be judged without running anything.

Each line of the file is one JSON object. Either a decision, with its role's name, action, resource, condition keys and outcome
(``Allow``, ``Deny`` or ``ImplicitDeny``), the same one only once; or a resource of a stack, by its logical and its physical id; the logical id of
what AWS makes beside one is that one's and the attribute's name.
"""

from __future__ import annotations

import contextvars
import json
import threading
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator
from ministack.services.cloudformation import _stacks

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_decided_about: contextvars.ContextVar[Any] = contextvars.ContextVar("decided_about", default=None)
_files: list[_File] = []
_MADE_BESIDE = {"DefaultSecurityGroup"}
"""Attributes that are what AWS makes beside a resource, and names by an id of its own."""


def install(settings: Settings) -> None:
    """Record decisions if the settings name a file for them."""
    if settings.record_iam:
        _files.append(_File(Path(settings.record_iam)))
        parameters = "access_key_id iam_action service region resource_arn service_context"
        replace(iam_evaluator, "evaluate", "ctx policies limits", _noted)
        replace(iam_evaluator, "enforce", parameters, _recorded)


def record(context: Any, outcome: str) -> None:
    """Write down a decision that was made elsewhere than in the emulator's ``enforce``."""
    for file in _files:
        file.write_decision(context, outcome)


def _noted(original: Any) -> Any:
    def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
        _decided_about.set(ctx)
        return original(ctx, policies, *limits)

    return evaluate


def _recorded(original: Any) -> Any:
    def enforce(*request: Any, **more: Any) -> Any:
        _decided_about.set(None)  # the root's requests are evaluated against nothing
        refusal = original(*request, **more)
        if (context := _decided_about.get()) is not None:
            record(context, "Allow" if refusal is None else getattr(refusal, "decision", "Deny"))
        return refusal

    return enforce


class _File:
    """The file, and what it says already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: set[str] = set()
        self._named: set[tuple[str, str, Any]] = set()
        self._lock = threading.Lock()

    def write_decision(self, context: Any, outcome: str) -> None:
        """Write what an assumed role asked for; other callers have no policies of a stack."""
        kind, _, session = context.principal_arn.rpartition(":")[2].partition("/")
        if kind != "assumed-role":
            return
        self._write_resources()
        keys = {name: value for name, value in context.service_context.items() if value is not None}
        self._write(
            {
                "role": session.partition("/")[0],
                "action": context.action,
                "resource": context.resource_arn,
                "context": keys,
                "decision": outcome,
            }
        )

    def _write_resources(self) -> None:
        for name, stack in list(_stacks.items()):
            for logical, resource in list(stack.get("_resources", {}).items()):
                self._write_name(name, logical, resource.get("PhysicalResourceId"))
                for attribute in _MADE_BESIDE & (resource.get("Attributes") or {}).keys():
                    self._write_name(name, f"{logical}.{attribute}", resource["Attributes"][attribute])

    def _write_name(self, stack: str, logical: str, physical: Any) -> None:
        if (stack, logical, physical) not in self._named:
            self._named.add((stack, logical, physical))
            self._write({"stack": stack, "logical": logical, "physical": physical})

    def _write(self, fact: dict[str, Any]) -> None:
        line = json.dumps(fact, sort_keys=True, default=str)
        with self._lock:
            if line not in self._written:
                self._written.add(line)
                with self._path.open("a") as file:
                    file.write(f"{line}\n")
