"""Where steps are found by name: those of this package, and the user's own in ``pipelines/steps``.

A module is imported when its step is asked for, and not before: a server loads what its model needs.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import Any, TypeVar

from sagemaker_jobs.failures import JobError

_BUILT_IN = "sagemaker_jobs.features.steps"
_OWN = "pipelines.steps"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

Definition = Callable[..., Any]
"""The class of a step, or a function from columns to numbers."""

_registered: dict[str, Definition] = {}

D = TypeVar("D", bound=Definition)


def feature_step(name: str) -> Callable[[D], D]:
    """Register a class or a function as the step `name`, which is also the name of its file.

    A function is given the columns, as a dict of arrays, and the parameters of the pipeline file; it returns an array of
    shape (n_rows,) or (n_rows, n_numbers). A class is made with the parameters and has ``fit(columns, target)`` and
    ``transform(columns)``; what it learns are plain attributes, such as numbers, texts, lists, dicts and arrays.

    Examples
    --------
    >>> @feature_step("per_night")
    ... def per_night(columns):
    ...     return columns["price"] / columns["nights"]
    >>> find_step("per_night") is per_night
    True
    """

    def register(definition: D) -> D:
        _registered[name] = definition
        return definition

    return register


def find_step(name: str) -> Definition:
    """Return the class or function of a step.

    Raises
    ------
    JobError
        If there is none of this name, or its file cannot be imported.
    """
    if name not in _registered:
        module = _module(name)
        try:
            importlib.import_module(module)
        except Exception as error:
            raise JobError(f"{module.replace('.', '/')}.py cannot be imported: {error!r}") from None
    if name not in _registered:
        raise JobError(f"pipelines/steps/{name}.py registers no feature step: write @feature_step({name!r})")
    return _registered[name]


def own_types(names: Iterable[str]) -> list[str]:
    """Import the user's steps `names`, and return the classes among them by their full names.

    They are code of the image, so a model may consist of them.

    Raises
    ------
    JobError
        If one of them is not there any more.
    """
    definitions = [find_step(str(name)) for name in names]
    return [f"{one.__module__}.{one.__qualname__}" for one in definitions if inspect.isclass(one)]


def check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    """Compare what the pipeline file passes with what a step takes.

    Raises
    ------
    JobError
        Naming what is too much or missing.
    """
    definition = find_step(name)
    signature = inspect.signature(definition)
    try:
        if inspect.isclass(definition):
            signature.bind(**parameters)
        else:
            signature.bind({}, **parameters)
    except TypeError as error:
        raise JobError(f"the step {name!r} does not take these parameters: {error}") from None


def _module(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise JobError("a step's name is of a-z, 0-9 and _, a letter first")
    for package in (_BUILT_IN, _OWN):
        if _exists(f"{package}.{name}"):
            return f"{package}.{name}"
    raise JobError(f"there is no step {name!r}: neither built in, nor in pipelines/steps/{name}.py")


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package itself
        return False
