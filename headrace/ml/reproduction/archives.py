"""Says where two archives of arrays differ, as skops writes models: a schema in JSON, and arrays that it names."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from headrace.ml.reproduction.numbers import array_difference

_SCHEMA = "schema.json"


def archive_difference(recorded: bytes, again: bytes) -> str | None:
    """Return the first difference of two zip archives, by the part of the model it is in; None if nothing can be said.

    What the schema says is compared after the arrays: where both differ, the numbers tell more.
    """
    try:
        old, new = _unzipped(recorded), _unzipped(again)
    except zipfile.BadZipFile:
        return None
    owners = _owners(old.get(_SCHEMA))
    for name in sorted(old.keys() & new.keys(), key=_order):
        if old[name] != new[name] and (found := _member_difference(name, old[name], new[name])):
            return f"{owners.get(name, name)}: {found}"
    if only := sorted(old.keys() ^ new.keys()):
        return f"{len(old)} parts recorded, {len(new)} here; {only[0]} is only in one"
    return None


def _member_difference(name: str, recorded: bytes, again: bytes) -> str | None:
    if name.endswith(".npy"):
        arrays = [np.load(io.BytesIO(content), allow_pickle=False) for content in (recorded, again)]
        return array_difference(*arrays)
    if name == _SCHEMA:
        old, new = (dict(_leaves(json.loads(content))) for content in (recorded, again))
        for path in old:
            if old[path] != new.get(path):
                return f"{path or 'it'}: {old[path]} recorded, {new.get(path, 'nothing')} here"
    return None


def _unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _order(name: str) -> tuple[bool, int, str]:
    stem = name.partition(".")[0]
    return name == _SCHEMA, int(stem) if stem.isdigit() else 0, name


def _owners(schema: bytes | None) -> dict[str, str]:
    """Return what part of the model each array is, as the way through the schema to it."""
    if schema is None:
        return {}
    return {value: path for path, value in _leaves(json.loads(schema), files_only=True)}


def _leaves(node: Any, path: tuple[str, ...] = (), *, files_only: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the schema's values with the way to each, without what only says how to load them."""
    if isinstance(node, Mapping):
        if files_only and isinstance(node.get("file"), str):
            yield _words(path), node["file"]
        for key, value in node.items():
            if not key.startswith("__"):
                yield from _leaves(value, (*path, key), files_only=files_only)
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _leaves(value, (*path, str(place)), files_only=files_only)
    elif not files_only:
        yield _words(path), node


def _words(path: tuple[str, ...]) -> str:
    return ", ".join(step for step in path if step not in ("content", "file"))
