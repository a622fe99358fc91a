"""Repair: the permissions boundary that a template puts on a role limits it, as one does that is put on with the API.

References
----------
.. [1] CloudFormation template reference, ``AWS::IAM::Role``: ``PermissionsBoundary``, updated without interruption.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import iam
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Store the boundary with the role whenever CloudFormation has made or changed it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    for name, verb, parameters in (
        ("_iam_role_create", "create", "logical_id props stack_name"),
        ("_iam_role_update", "update", "physical_id old_props new_props stack_name logical_id"),
    ):
        replace(provisioners, name, parameters, _with_boundary)
        handlers[verb] = getattr(provisioners, name)


def _with_boundary(original: Callable[..., Any]) -> Callable[..., Any]:
    def provision(*arguments: Any, **named: Any) -> Any:
        made = original(*arguments, **named)
        # What CloudFormation wants comes last of what is a mapping: (id, properties, …) or (id, old, new, …).
        wanted = [argument for argument in (*arguments, *named.values()) if isinstance(argument, dict)][-1]
        iam._roles[made[0]]["PermissionsBoundary"] = wanted.get("PermissionsBoundary")
        return made

    return provision
