"""Lets templates make what the emulator itself cannot make from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import UnknownEmulatorError, require


def register(
    name: str, *, create: Callable[..., Any], update: Callable[..., Any], delete: Callable[..., Any]
) -> None:
    """Register a resource type.

    Raises
    ------
    UnknownEmulatorError
        If the emulator has learnt it.
    """
    require(provisioners, "_physical_name", "stack_name logical_id lowercase max_len seeded")
    if name in provisioners._RESOURCE_HANDLERS:
        raise UnknownEmulatorError(f"the emulator provisions {name} itself now: delete this repair")
    provisioners._RESOURCE_HANDLERS[name] = {"create": create, "update": update, "delete": delete}


def physical_name(stack_name: str, logical_id: str, *, longest: int) -> str:
    """Return a name for a resource of a stack that the template does not name."""
    return str(provisioners._physical_name(stack_name, logical_id, max_len=longest))
