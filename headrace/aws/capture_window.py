"""Which objects a task has not taken yet: of those that endpoints capture, and of the profiles that are made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LATENESS = timedelta(hours=24)
"""How long after its hour an object may still arrive: as long as CloudWatch Logs retries a delivery."""

_OVERLAP = timedelta(minutes=15)
"""An object may become visible a little after its time of modification; S3 gives that time in whole seconds."""

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StoredObject:
    """One object below ``…/<variant>/yyyy/mm/dd/hh/``; `size_bytes` is what it takes in S3."""

    key: str
    modified: datetime
    size_bytes: int = 0

    @property
    def hour(self) -> datetime:
        """The hour that its key names, in UTC.

        Examples
        --------
        >>> noon = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
        >>> StoredObject("capture/headrace-bike/v3/2026/01/31/11/a.jsonl", noon).hour.hour
        11
        """
        year, month, day, hour = map(int, self.key.split("/")[-5:-1])
        return datetime(year, month, day, hour, tzinfo=UTC)


@dataclass(frozen=True)
class Checkpoint:
    """How far the objects of one variant have been taken.

    Parameters
    ----------
    taken_upto : datetime
        Modification time of the newest object that was taken.
    newest_hour : datetime
        The latest hour under which an object was taken.
    seen : frozenset of str
        Short digests of the keys that were taken and are younger than `taken_upto` less a quarter of an hour.
        They tell an object that appeared late from one that was there.
    """

    taken_upto: datetime = _LONG_AGO
    newest_hour: datetime = _LONG_AGO
    seen: frozenset[str] = frozenset()

    def after(self, listed: Iterable[StoredObject]) -> list[StoredObject]:
        """Return the objects of `listed` that have not been taken, the oldest first.

        Examples
        --------
        >>> noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
        >>> first, second = StoredObject("v3/2026/01/31/11/a", noon), StoredObject("v3/2026/01/31/11/b", noon)
        >>> checkpoint = START.advanced([first])
        >>> [item.key for item in checkpoint.after([first, second])]
        ['v3/2026/01/31/11/b']
        """
        floor = self._floor()
        new = [item for item in listed if item.modified > floor and _digest(item.key) not in self.seen]
        return sorted(new, key=lambda item: (item.modified, item.key))

    def advanced(self, taken: Collection[StoredObject]) -> Checkpoint:
        """Return the checkpoint after all of `taken`, which holds those that were taken before, too."""
        upto = max([self.taken_upto, *(item.modified for item in taken)])
        newest = max([self.newest_hour, *(item.hour for item in taken)])
        later = Checkpoint(upto, newest)
        recent = frozenset(_digest(item.key) for item in taken if item.modified > later._floor())
        return Checkpoint(upto, newest, recent)

    def first_hour(self) -> str:
        """Return the partition from which on objects have to be listed, such as ``2026/01/31/12``; empty before any.

        Examples
        --------
        >>> noon = datetime(2026, 1, 31, 12, 20, tzinfo=UTC)
        >>> START.advanced([StoredObject("v3/2026/01/31/12/a", noon)]).first_hour()
        '2026/01/30/11'
        """
        if self == START:
            return ""
        # An object that is younger than the newest one's hour less the overlap may be late by a day: an hour covers both.
        return f"{self.newest_hour.astimezone(UTC) - LATENESS - timedelta(hours=1):%Y/%m/%d/%H}"

    def _floor(self) -> datetime:
        return self.taken_upto - _OVERLAP if self != START else self.taken_upto


START = Checkpoint()
"""Before any object: nothing has been taken."""


def take(objects: Iterable[StoredObject], *, max_bytes: int, max_objects: int) -> list[StoredObject]:
    """Return the first objects that are worked on together; at least one, however large it is.

    Examples
    --------
    >>> noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> objects = [StoredObject(key, noon, size_bytes=40) for key in "abcde"]
    >>> [item.key for item in take(objects, max_bytes=120, max_objects=9)]
    ['a', 'b', 'c']
    """
    taken: list[StoredObject] = []
    total = 0
    for item in objects:
        total += item.size_bytes
        if taken and (total > max_bytes or len(taken) == max_objects):
            break
        taken.append(item)
    return taken


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
