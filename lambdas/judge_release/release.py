"""The release that is judged, as it was planned and as far as it has come."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from headrace.ml.release.decision import Strategy


@dataclass(frozen=True)
class Release:
    """One release at one moment.

    Parameters
    ----------
    execution : str
        The execution's id.
    strategy : {"canary", "linear", "shadow", "ab"}
        How requests come to the challenger.
    version : int
        Of the challenger.
    champion, challenger : str
        Their variants.
    shares : tuple of float
        That the challenger gets, one after the other.
    step : int
        Which of them is in force, from 0.
    since : datetime
        When it came into force.
    began_at : datetime
        When the challenger got its first requests, as far as that is known.
    deadline : datetime
        When it ends at the latest.
    interval_s : int
        Seconds between two looks.
    """

    execution: str
    strategy: Strategy
    version: int
    champion: str
    challenger: str
    shares: tuple[float, ...]
    step: int
    since: datetime
    began_at: datetime
    deadline: datetime
    interval_s: int

    @classmethod
    def of(cls, event: Mapping[str, Any], since: str | None) -> Self:
        """Read what the state machine sends.

        Parameters
        ----------
        event : mapping
            With ``plan``, ``step`` and ``execution``.
        since : str or None
            When the present share came into force; the beginning of the release if it is not known.
        """
        release = event["plan"]["release"]
        started_at = datetime.fromisoformat(release["started_at"])
        return cls(
            execution=event["execution"],
            strategy=release["strategy"],
            version=release["challenger"]["version"],
            champion=release["champion"]["variant"],
            challenger=release["challenger"]["variant"],
            shares=tuple(release["shares"]),
            step=event["step"],
            since=datetime.fromisoformat(since) if since else started_at,
            began_at=started_at,
            deadline=datetime.fromisoformat(release["deadline"]),
            interval_s=release["interval_s"],
        )

    @property
    def share(self) -> float:
        """Of requests that the challenger answers, or that are copied to it."""
        return self.shares[min(self.step, len(self.shares) - 1)]

    @property
    def by_steps(self) -> bool:
        """Whether its share grows with time."""
        return self.strategy in ("canary", "linear")

    @property
    def looks(self) -> int:
        """How often it is looked at, at most: among so many looks the accepted errors are shared."""
        if self.by_steps:
            return len(self.shares)
        return math.ceil((self.deadline - self.began_at) / timedelta(seconds=self.interval_s)) + 1

    @property
    def folder(self) -> str:
        """Where everything about it is kept."""
        return f"releases/{self.challenger}/"

    def over(self, now: datetime) -> bool:
        """Whether there is no time for another look."""
        return now + timedelta(seconds=self.interval_s / 2) >= self.deadline
