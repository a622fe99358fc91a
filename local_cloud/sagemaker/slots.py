"""How many requests a serverless variant answers at the same time."""

from __future__ import annotations

import threading


class Slots:
    """As many slots as a variant's ``MaxConcurrency``.

    Parameters
    ----------
    count : int
        At least 1.

    Examples
    --------
    >>> slots = Slots(2)
    >>> slots.take(), slots.take(), slots.take()
    (0.5, 1.0, None)
    >>> slots.give_back()
    >>> slots.take()
    1.0
    """

    def __init__(self, count: int) -> None:
        self._count, self._taken, self._lock = count, 0, threading.Lock()

    def take(self) -> float | None:
        """Take a slot and return the share that is taken now (0 to 1), or None if there is none left."""
        with self._lock:
            if self._taken == self._count:
                return None
            self._taken += 1
            return self._taken / self._count

    def give_back(self) -> None:
        """Free a slot that was taken."""
        with self._lock:
            self._taken -= 1
