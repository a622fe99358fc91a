"""Selects from JSON by JSONPath, as Step Functions does."""

from __future__ import annotations

import functools
import re
from typing import Any

from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.ext import parse

# A definite path: fields and indices only. It selects exactly one value.
_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]*?@(),:'" ]+)|\[(?P<index>-?\d+)\]|\[(?P<quote>['"])(?P<quoted>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\]"""
)


class PathError(ValueError):
    """The path is no JSONPath, or a definite path leads to nothing."""


def select(path: str, data: Any) -> Any:
    """Return what a path selects.

    Parameters
    ----------
    path : str
        Begins with ``$``.
    data : object
        JSON.

    Returns
    -------
    object
        For a definite path (fields and indices) the value itself; for any other (``*``, ``..``, filters, slices) the
        list of all that match, which may be empty.

    Raises
    ------
    PathError
        If a definite path leads to nothing, or the path is malformed.

    Examples
    --------
    >>> select("$.jobs[-1]['job name']", {"jobs": [{"job name": "a"}, {"job name": "b"}]})
    'b'
    >>> select("$.jobs[?(@.size > 1)].id", {"jobs": [{"id": 1, "size": 1}, {"id": 2, "size": 5}]})
    [2]
    >>> select("$..id", {"a": {"id": 1}, "b": [{"id": 2}]})
    [1, 2]
    """
    steps = _definite_steps(path)
    if steps is None:
        return [match.value for match in _compiled(path).find(data)]
    for step in steps:
        data = _child(data, step, path)
    return data


def _child(data: Any, step: str | int, path: str) -> Any:
    if isinstance(data, list) and isinstance(step, int) and -len(data) <= step < len(data):
        return data[step]
    if isinstance(data, dict) and step in data:
        return data[step]
    raise PathError(f"No results for path: {path}")


@functools.lru_cache(maxsize=1024)
def _definite_steps(path: str) -> tuple[str | int, ...] | None:
    """Split a definite path into its steps; None if the path is of another kind."""
    steps: list[str | int] = []
    position = 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        if step["index"] is not None:
            steps.append(int(step["index"]))
        else:
            steps.append(step["name"] or re.sub(r"\\(.)", r"\1", step["quoted"]))
        position = step.end()
    return tuple(steps)


@functools.lru_cache(maxsize=1024)
def _compiled(path: str) -> Any:
    try:
        return parse(path)
    except JSONPathError as error:
        raise PathError(f"Invalid path '{path}': {error}") from error
