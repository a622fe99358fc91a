"""The scores of the last hours, check by check, between two checks kept as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Ints
from headrace.ml.quality.score_counts import CENTRES


@dataclass(frozen=True)
class ScoreWindow:
    """The scores that one check found new.

    Parameters
    ----------
    checked_at : datetime
        When, in UTC.
    files : frozenset of str
        Digests of the files that were read.
    counts : ndarray of shape (n_bins,)
        Rows by score.
    """

    checked_at: datetime
    files: frozenset[str]
    counts: Ints

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: pairs of bin and rows, as most bins are empty."""
        full = np.flatnonzero(self.counts)
        return {
            "checked_at": self.checked_at.isoformat(),
            "files": sorted(self.files),
            "bins": full.tolist(),
            "rows": self.counts[full].tolist(),
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        counts = np.zeros(len(CENTRES), dtype=np.int64)
        counts[entry["bins"]] = entry["rows"]
        return cls(datetime.fromisoformat(entry["checked_at"]), frozenset(entry["files"]), counts)


@dataclass(frozen=True)
class ScoreWindows:
    """The windows of the checks of the last hours, the latest first."""

    windows: tuple[ScoreWindow, ...] = ()

    @property
    def seen(self) -> frozenset[str]:
        """Digests of all files that were read."""
        return frozenset().union(*(window.files for window in self.windows))

    def with_next(self, window: ScoreWindow, keep: timedelta) -> ScoreWindows:
        """Add a check's window if it read a file, and forget those that are older than `keep`.

        Examples
        --------
        >>> noon, nothing = datetime(2026, 1, 31, 12), np.zeros(len(CENTRES), dtype=np.int64)
        >>> first = ScoreWindow(noon, frozenset("a"), nothing)
        >>> later = ScoreWindow(noon + timedelta(hours=30), frozenset("b"), nothing)
        >>> kept = ScoreWindows().with_next(first, timedelta(hours=24)).with_next(later, timedelta(hours=24))
        >>> sorted(kept.seen)
        ['b']
        """
        found = [window, *self.windows] if window.files else self.windows
        return ScoreWindows(tuple(each for each in found if each.checked_at > window.checked_at - keep))

    def as_list(self) -> list[dict[str, Any]]:
        """Return it as JSON has it."""
        return [window.as_dict() for window in self.windows]

    @classmethod
    def from_list(cls, entries: Iterable[Mapping[str, Any]]) -> Self:
        """Read what `as_list` wrote."""
        return cls(tuple(ScoreWindow.from_dict(entry) for entry in entries))
