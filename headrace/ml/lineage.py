"""Which model served when, by what was written down of releases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

_TAKES_OVER = ("deployed", "promoted", "rolled_back")


@dataclass(frozen=True)
class Step:
    """One line of the history of releases.

    Parameters
    ----------
    at : str
        When, ISO 8601, UTC.
    event : str
        What happened, such as ``promoted``.
    version : int
        Of the model that the line is about.
    """

    at: str
    event: str
    version: int


@dataclass(frozen=True)
class Served:
    """A time in which one version answered all requests.

    Parameters
    ----------
    version : int
        Which.
    since : str
        ISO 8601, UTC.
    until : str or None
        ISO 8601, UTC; None if it still serves.
    """

    version: int
    since: str
    until: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def served(history: Iterable[Step]) -> list[Served]:
    """Return which version answered all requests when, in the order of time.

    What a version answers while it has a share, in a canary, is not a part of it.

    Parameters
    ----------
    history : iterable of Step
        The first line first.

    Examples
    --------
    >>> steps = [Step("1", "deployed", 1), Step("2", "shifted", 2), Step("3", "promoted", 2), Step("4", "rolled_back", 1)]
    >>> for span in served(steps):
    ...     print(span.version, span.since, span.until)
    1 1 3
    2 3 4
    1 4 None
    >>> served([])
    []
    """
    taken = [step for step in history if step.event in _TAKES_OVER]
    ends = [*(step.at for step in taken[1:]), None][: len(taken)]
    return [Served(step.version, step.at, end) for step, end in zip(taken, ends, strict=True)]
