"""Lists of named things, in the two forms in which documents have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def named_entries(entries: Any) -> dict[str, Document]:
    """Return entries by their names, whether they come as a list or by name.

    Examples
    --------
    >>> named_entries([{"label": "yes", "recall": 0.5}]) == named_entries({"yes": {"recall": 0.5}})
    True
    """
    if isinstance(entries, Mapping):
        return {str(name): each for name, each in entries.items() if isinstance(each, Mapping)}
    found: dict[str, Document] = {}
    for entry in entries or []:
        key = next((name for name in ("label", "group", "name", "value") if name in entry), None)
        if key is not None:
            found[str(entry[key])] = {name: each for name, each in entry.items() if name != key}
    return found
