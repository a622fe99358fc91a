"""Says where the files of two models differ, down to the first number, in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.ml.reproduction.archives import archive_difference
from headrace.ml.reproduction.numbers import number_difference

_MANIFEST, _CHECKSUMS = "manifest.json", "files"
_ZIPPED = (".skops", ".npz", ".zip")
_TEXT_SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """What differs in one file of two models.

    Parameters
    ----------
    member : str
        The file's name.
    what : str
        The first thing that differs in it, for people; of two values the recorded one comes first.
    """

    member: str
    what: str


def differences(recorded: Mapping[str, bytes], again: Mapping[str, bytes]) -> list[Difference]:
    """Compare two models file by file.

    Parameters
    ----------
    recorded, again : mapping of str to bytes
        Files by name: of the model that was registered, and of the one that was made again.

    Returns
    -------
    list of Difference
        One for each file that differs; none for two equal models. The manifest comes last, because its checksums only say
        what the other files say.

    Examples
    --------
    >>> recorded = {"metrics.json": b'{"validation": {"rmse": 26.81}}', "model.skops": b"same"}
    >>> again = {"metrics.json": b'{"validation": {"rmse": 26.84}}', "model.skops": b"same"}
    >>> [found.what for found in differences(recorded, again)]
    ['validation, rmse: 26.81 recorded, 26.84 here (the first 3 digits agree)']
    """
    names = sorted(recorded.keys() | again.keys(), key=lambda name: (name == _MANIFEST, name))
    return [
        Difference(name, _what(name, recorded.get(name), again.get(name)))
        for name in names
        if recorded.get(name) != again.get(name)
    ]


def _what(name: str, recorded: bytes | None, again: bytes | None) -> str:
    if recorded is None:
        return "it is new: the recorded model has no such file"
    if again is None:
        return "it is missing here"
    found = None
    if name.endswith(".json"):
        found = _json_difference(name, recorded, again)
    elif name.endswith(_ZIPPED):
        found = archive_difference(recorded, again)
    return found or byte_difference(recorded, again)


def _json_difference(name: str, recorded: bytes, again: bytes) -> str | None:
    try:
        old, new = json.loads(recorded), json.loads(again)
    except ValueError:
        return None
    if name == _MANIFEST and isinstance(old, dict) and isinstance(new, dict):
        facts, now = (_facts(each) for each in (old, new))
        return value_difference(facts, now) or "only its checksums of the other files differ"
    return value_difference(old, new)


def _facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in manifest.items() if name != _CHECKSUMS}


def value_difference(recorded: Any, again: Any, path: tuple[str, ...] = ()) -> str | None:
    """Return the first difference of two JSON values, with the way to it; None if they are equal.

    Examples
    --------
    >>> value_difference({"a": [1, 2]}, {"a": [1, 3]})
    'a, 1: 2 recorded, 3 here'
    >>> value_difference({"a": 1}, {"b": 1})
    'a: missing here'
    """
    if isinstance(recorded, dict) and isinstance(again, dict):
        return _of_children(
            recorded, again, path, [*recorded, *(name for name in again if name not in recorded)]
        )
    if isinstance(recorded, list) and isinstance(again, list):
        old, new = dict(enumerate(recorded)), dict(enumerate(again))
        return _of_children(old, new, path, list(range(max(len(old), len(new)))))
    if recorded == again and type(recorded) is type(again):
        return None
    return f"{', '.join(path) or 'it'}: {_told(recorded, again)}"


def byte_difference(recorded: bytes, again: bytes) -> str:
    """Say from which byte on two files differ, counted from 1.

    Examples
    --------
    >>> byte_difference(b"abc", b"abd!")
    'byte 3 is the first that differs; 3 bytes recorded, 4 here'
    """
    shorter = min(len(recorded), len(again))
    first = next((place for place in range(shorter) if recorded[place] != again[place]), shorter)
    return f"byte {first + 1} is the first that differs; {len(recorded)} bytes recorded, {len(again)} here"


def _of_children(
    recorded: Mapping[Any, Any], again: Mapping[Any, Any], path: tuple[str, ...], names: list[Any]
) -> str | None:
    for name in names:
        where = (*path, str(name))
        if name not in again:
            return f"{', '.join(where)}: missing here"
        if name not in recorded:
            return f"{', '.join(where)}: only here"
        if found := value_difference(recorded[name], again[name], where):
            return found
    return None


def _told(recorded: Any, again: Any) -> str:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in (recorded, again)):
        return number_difference(recorded, again)
    return f"{_short(recorded)} recorded, {_short(again)} here"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}…"
