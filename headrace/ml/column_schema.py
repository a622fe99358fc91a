"""One column of a contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from headrace.ml.column_rules import NO_RULES, ColumnRules

Kind = Literal["number", "category", "boolean", "datetime", "text", "image"]
Problem = Literal["binary", "multiclass", "regression"]
Role = Literal["feature", "target", "id", "time", "part", "ignored"]


class ContractError(ValueError):
    """The file cannot be what the pipeline file describes; the text says what is missing or wrong."""


@dataclass(frozen=True)
class ColumnSchema:
    """One column.

    Parameters
    ----------
    name : str
        As in the header of the files.
    kind : {"number", "category", "boolean", "datetime", "text", "image"}
        What its cells are.
    role : {"feature", "target", "id", "time", "part", "ignored"}
        What it is for. Only features reach a model.
    allowed : tuple of str or None
        Labels that a target may have, or categories that are declared; None where everything of the kind is allowed.
    rules : ColumnRules
        What is declared beyond that.
    came_later : bool
        Whether older rows, and files that are made as they were, lack the column.
    made_of : str or None
        The column from which a cleaning step makes this one; None for a column of the files.
    stored_as : str or None
        Its name in the catalogue, where that is not the usual one.
    formerly : tuple of (str, str)
        Names in the catalogue and kinds that it had before, the oldest first.
    """

    name: str
    kind: Kind
    role: Role = "feature"
    allowed: tuple[str, ...] | None = None
    rules: ColumnRules = NO_RULES
    came_later: bool = False
    made_of: str | None = None
    stored_as: str | None = None
    formerly: tuple[tuple[str, Kind], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; what is at its default is left out.

        Examples
        --------
        >>> ColumnSchema("temp", "number").as_dict()
        {'name': 'temp', 'kind': 'number'}
        """
        named: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.role != "feature":
            named["role"] = self.role
        if self.allowed is not None:
            named["allowed"] = list(self.allowed)
        further = {
            "rules": self.rules.as_dict(),
            "came_later": self.came_later,
            "made_of": self.made_of,
            "stored_as": self.stored_as,
            "formerly": [list(each) for each in self.formerly],
        }
        return named | {name: value for name, value in further.items() if value}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> ColumnSchema:
        """Read what `as_dict` wrote.

        Raises
        ------
        ContractError
            If the name is missing or the kind is unknown.
        """
        if not entry.get("name") or entry.get("kind") not in get_args(Kind):
            raise ContractError(f"a column needs a name and a kind of {', '.join(get_args(Kind))}")
        allowed = entry.get("allowed")
        return cls(
            str(entry["name"]),
            entry["kind"],
            entry.get("role", "feature"),
            None if allowed is None else tuple(map(str, allowed)),
            ColumnRules.from_dict(entry.get("rules", {})),
            entry.get("came_later", False),
            entry.get("made_of"),
            entry.get("stored_as"),
            tuple((name, kind) for name, kind in entry.get("formerly", ())),
        )
