"""Summaries of the predictions of the last hours, check by check, kept as JSON from one check to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats


@dataclass(frozen=True)
class RecentWindow:
    """The predictions that one check found new.

    Parameters
    ----------
    checked_at : datetime
        When, in UTC.
    files : frozenset of str
        Digests of the files that were read.
    summary : ndarray
        What the model's reference makes of them; summaries can be added.
    """

    checked_at: datetime
    files: frozenset[str]
    summary: Floats

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: places and values, as most of a summary by score is zero."""
        full = np.flatnonzero(self.summary)
        return {
            "checked_at": self.checked_at.isoformat(),
            "files": sorted(self.files),
            "length": len(self.summary),
            "places": full.tolist(),
            "values": self.summary[full].tolist(),
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        summary = np.zeros(entry["length"])
        summary[entry["places"]] = entry["values"]
        return cls(datetime.fromisoformat(entry["checked_at"]), frozenset(entry["files"]), summary)


@dataclass(frozen=True)
class RecentWindows:
    """The windows of the checks of the last hours.

    Parameters
    ----------
    windows : tuple of RecentWindow
        The latest first.
    """

    windows: tuple[RecentWindow, ...] = ()

    @property
    def seen(self) -> frozenset[str]:
        """Digests of all files that were read."""
        return frozenset().union(*(window.files for window in self.windows))

    @property
    def summaries(self) -> list[Floats]:
        """What was found, the latest first."""
        return [window.summary for window in self.windows]

    def until(self, now: datetime, keep: timedelta) -> RecentWindows:
        """Forget the windows that are older than `keep`."""
        return RecentWindows(tuple(each for each in self.windows if each.checked_at > now - keep))

    def with_next(self, window: RecentWindow, keep: timedelta) -> RecentWindows:
        """Add a check's window, and forget those that are older than `keep`.

        Examples
        --------
        >>> noon, nothing = datetime(2026, 1, 31, 12), np.zeros(4)
        >>> first = RecentWindow(noon, frozenset("a"), nothing)
        >>> later = RecentWindow(noon + timedelta(hours=30), frozenset("b"), nothing)
        >>> kept = RecentWindows().with_next(first, timedelta(hours=24)).with_next(later, timedelta(hours=24))
        >>> sorted(kept.seen)
        ['b']
        """
        return RecentWindows((window, *self.windows)).until(window.checked_at, keep)

    def as_list(self) -> list[dict[str, Any]]:
        """Return it as JSON has it."""
        return [window.as_dict() for window in self.windows]

    @classmethod
    def from_list(cls, entries: Iterable[Mapping[str, Any]]) -> Self:
        """Read what `as_list` wrote."""
        return cls(tuple(RecentWindow.from_dict(entry) for entry in entries))
