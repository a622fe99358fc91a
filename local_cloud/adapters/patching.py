"""Replaces a function of the emulator, after checking that it is still the one we know."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any


class UnknownEmulatorError(Exception):
    """The installed emulator has changed where we extend it; the text says where."""


def replace(module: ModuleType, name: str, parameters: str, make: Callable[[Any], Any]) -> None:
    """Put ``make(original)`` in the place of ``module.name``.

    Parameters
    ----------
    parameters : str
        The names of the original's parameters, separated by spaces; anything else is refused, because then the
        emulator is not the version that this was written for.
    make : callable
        Takes the original and returns what replaces it.

    Raises
    ------
    UnknownEmulatorError
        If the name is gone, or its parameters are others.
    """
    require(module, name, parameters)
    original = getattr(module, name)
    replacement = make(original)
    if inspect.isfunction(replacement) and replacement is not original:
        # Another extension may replace the same function, and expects the parameters that we found.
        vars(replacement)["__signature__"] = inspect.signature(original)
    setattr(module, name, replacement)


def require(module: ModuleType, name: str, parameters: str) -> None:
    """Refuse an emulator whose ``module.name`` is gone, or takes other parameters than those named."""
    original = getattr(module, name, None)
    if original is None:
        raise UnknownEmulatorError(f"{module.__name__}.{name} is gone: has the pinned version changed?")
    found = " ".join(inspect.signature(original).parameters)
    if found != parameters:
        raise UnknownEmulatorError(f"{module.__name__}.{name} takes ({found}), expected ({parameters})")
