"""Blocks of a pipeline file that are named and left empty: whoever wrote that wanted them, and YAML reads it as nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from headrace.config.block import block_of
from headrace.config.pipeline import Pipeline


def _optional_blocks(block: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where blocks may be left out, which is off."""
    for name, field in block.model_fields.items():
        if inner := block_of(field):
            if field.default is None:
                yield (*path, name)
            yield from _optional_blocks(inner, (*path, name))


_OPTIONAL = tuple(_optional_blocks(Pipeline))


def empty_blocks(document: Any) -> list[tuple[str, ...]]:
    """Return where a file names an optional block and writes nothing below it.

    Examples
    --------
    >>> empty_blocks({"stream": None, "endpoint": {"kind": "realtime", "batch": None}, "feedback": {}})
    [('endpoint', 'batch'), ('stream',)]
    """
    return [path for path in _OPTIONAL if _is_empty(document, path)]


def _is_empty(document: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return False
        document = document[name]
    return document is None
