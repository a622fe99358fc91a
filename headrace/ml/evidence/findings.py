"""What a check for leaks has found, and whether it stops a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Check = Literal[
    "target_copy", "target_formula", "near_perfect_feature", "id_like", "duplicate_rows", "time_order"
]
Policy = Literal["warn", "block", "off"]

_STOPPING: frozenset[str] = frozenset(
    {"target_copy", "target_formula", "near_perfect_feature", "duplicate_rows"}
)


@dataclass(frozen=True)
class LeakageFinding:
    """One suspicion.

    Parameters
    ----------
    check : str
        What was looked for.
    columns : tuple of str
        The columns that it is about; empty if it is about rows.
    figure, limit : float
        What was measured, and from where on it is told; both without unit, as `sentence` says.
    sentence : str
        What was found, and what to do.
    """

    check: Check
    columns: tuple[str, ...]
    figure: float
    limit: float
    sentence: str

    @property
    def stops(self) -> bool:
        """Whether it stops a model where the policy is block: what only makes a figure doubtful does not.

        Examples
        --------
        >>> LeakageFinding("id_like", ("n",), 1.0, 0.95, "").stops
        False
        """
        return self.check in _STOPPING

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "columns": list(self.columns), "stops": self.stops}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> LeakageFinding:
        """Read what `as_dict` wrote."""
        given = {name: document[name] for name in ("check", "figure", "limit", "sentence")}
        return cls(columns=tuple(document["columns"]), **given)


def leakage_refusal(findings: Iterable[Mapping[str, Any]], policy: Policy) -> str | None:
    """Return why a model is refused for its leaks, or None if it is not.

    Examples
    --------
    >>> found = LeakageFinding("target_copy", ("paid",), 1.0, 1.0, "column 'paid' is the target under another name")
    >>> leakage_refusal([found.as_dict()], "block")
    "a leak: column 'paid' is the target under another name"
    >>> leakage_refusal([found.as_dict()], "warn") is None
    True
    """
    stopping = [finding["sentence"] for finding in findings if finding.get("stops")]
    if policy != "block" or not stopping:
        return None
    return f"a leak: {'; '.join(stopping)}"


def in_short(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return the findings in a few words, for a registry that takes 256 characters.

    Examples
    --------
    >>> in_short([{"check": "id_like", "columns": ["n"]}, {"check": "time_order", "columns": []}])
    'id_like n, time_order'
    """
    return ", ".join(" ".join([finding["check"], *finding["columns"]]) for finding in findings)
