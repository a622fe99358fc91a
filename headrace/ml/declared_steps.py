"""Cleaning steps as a pipeline file declares them and a contract keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DeclaredStep:
    """One step of cleaning.

    Parameters
    ----------
    name : str
        Of the step, and of its module.
    columns : tuple of str
        What it works on; empty means every column that it can.
    parameters : mapping
        Values as JSON has them, by name.
    learned : mapping
        What the step has learned from the first file, as JSON has it; the same for all files of a contract.
    """

    name: str
    columns: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    learned: Mapping[str, Any] = field(default_factory=dict)

    def is_like(self, other: DeclaredStep) -> bool:
        """Tell whether both are declared in the same way."""
        mine, its = ((each.name, each.columns, dict(each.parameters)) for each in (self, other))
        return mine == its

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; what is empty is left out.

        Examples
        --------
        >>> DeclaredStep("clip", ("price",), {"max": 100}).as_dict()
        {'name': 'clip', 'columns': ['price'], 'parameters': {'max': 100}}
        """
        entry = {
            "name": self.name,
            "columns": list(self.columns),
            "parameters": dict(self.parameters),
            "learned": dict(self.learned),
        }
        return {name: value for name, value in entry.items() if value}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> DeclaredStep:
        """Read what `as_dict` wrote."""
        return cls(
            entry["name"],
            tuple(entry.get("columns", ())),
            dict(entry.get("parameters", {})),
            dict(entry.get("learned", {})),
        )
