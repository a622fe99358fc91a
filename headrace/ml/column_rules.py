"""What the pipeline file asks of the cells of a column, beyond their kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class ColumnRules:
    """What a cell must be; nothing is asked for by default.

    What was merely seen in the first file is never a rule: a value outside of it is a new value, and whether the world has
    changed is for drift detection to say. Only what somebody has declared refuses a row.

    Parameters
    ----------
    min, max : float or None
        Smallest and largest value of a number.
    allowed : tuple of str or None
        All categories or labels.
    nullable : bool or None
        Whether a cell may be missing; None leaves that to the column's role.
    unique : bool
        Whether no two rows of a file may have the same value.
    severity : {"refuse", "flag"}
        Whether a row that breaks a rule is refused, or kept and counted. What is not unique, and what a row cannot do
        without, is always refused.
    """

    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] | None = None
    nullable: bool | None = None
    unique: bool = False
    severity: Literal["refuse", "flag"] = "refuse"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; what is at its default is left out.

        Examples
        --------
        >>> ColumnRules(min=0, allowed=("a", "b")).as_dict()
        {'min': 0, 'allowed': ['a', 'b']}
        """
        given = {name: value for name, value in asdict(self).items() if value != getattr(NO_RULES, name)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> ColumnRules:
        """Read what `as_dict` wrote."""
        allowed = entry.get("allowed")
        return cls(**{**entry, "allowed": None if allowed is None else tuple(map(str, allowed))})


NO_RULES = ColumnRules()
