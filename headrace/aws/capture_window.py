"""Which captured objects a drift check has not seen yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LATENESS = timedelta(hours=24)
"""How long after its hour an object may still arrive: as long as CloudWatch Logs retries a delivery."""

_OVERLAP = timedelta(minutes=15)
"""An object may become visible a little after its time of modification; S3 gives that time in whole seconds."""


@dataclass(frozen=True)
class CapturedObject:
    """One object below ``capture/``; `size_bytes` is what it takes in S3."""

    key: str
    modified: datetime
    size_bytes: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """How far the captured data of one variant has been checked.

    Parameters
    ----------
    checked_upto : datetime
        Modification time of the newest object that was checked.
    seen : frozenset of str
        Short digests of the keys that were checked and are younger than `checked_upto` less a quarter of an hour.
        They tell an object that appeared late from one that was there.
    """

    checked_upto: datetime
    seen: frozenset[str]

    def after(self, listed: Iterable[CapturedObject]) -> list[CapturedObject]:
        """Return the objects of `listed` that have not been checked, in the order of their keys.

        Examples
        --------
        >>> noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
        >>> first, second = CapturedObject("a", noon), CapturedObject("b", noon)
        >>> checkpoint = START.advanced([first])
        >>> [item.key for item in checkpoint.after([first, second])]
        ['b']
        """
        floor = self._floor()
        new = [item for item in listed if item.modified > floor and _digest(item.key) not in self.seen]
        return sorted(new, key=lambda item: item.key)

    def advanced(self, listed: Iterable[CapturedObject]) -> Checkpoint:
        """Return the checkpoint after all of `listed` have been checked."""
        items = list(listed)
        upto = max([self.checked_upto, *(item.modified for item in items)])
        later = Checkpoint(upto, frozenset())
        recent = {_digest(item.key) for item in items if item.modified > later._floor()}
        return Checkpoint(upto, frozenset(recent))

    def first_hour(self) -> str:
        """Return the partition from which on objects have to be listed, such as ``2026/01/31/12``.

        Examples
        --------
        >>> Checkpoint(datetime(2026, 1, 31, 12, 20, tzinfo=UTC), frozenset()).first_hour()
        '2026/01/30/12'
        """
        if self == START:
            return ""
        return f"{self.checked_upto.astimezone(UTC) - LATENESS:%Y/%m/%d/%H}"

    def _floor(self) -> datetime:
        return self.checked_upto - _OVERLAP if self != START else self.checked_upto


START = Checkpoint(datetime(2000, 1, 1, tzinfo=UTC), frozenset())
"""Before any object: nothing has been checked."""


def thin(objects: list[CapturedObject], max_bytes: int) -> list[CapturedObject]:
    """Return evenly spaced objects of a window that is too large to be read whole.

    Parameters
    ----------
    objects : list of CapturedObject
        In the order of time.
    max_bytes : int
        About how much may be read.

    Returns
    -------
    list of CapturedObject
        All of `objects`, or every second, third and so on.

    Examples
    --------
    >>> noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> objects = [CapturedObject(key, noon, size_bytes=40) for key in "abcde"]
    >>> [item.key for item in thin(objects, max_bytes=120)]
    ['a', 'c', 'e']
    """
    total = sum(item.size_bytes for item in objects)
    return objects[:: max(1, -(-total // max_bytes))]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
