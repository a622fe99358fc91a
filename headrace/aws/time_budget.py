"""Whether another piece of work fits before Lambda stops the function."""

from __future__ import annotations

import time
from collections.abc import Callable

_SPARE_S = 30.0


class TimeBudget:
    """Tells whether another piece of work fits: one that takes twice as long as the slowest so far.

    Parameters
    ----------
    remaining_s : callable
        Seconds until the function is stopped.
    clock : callable
        A monotonic clock, in seconds.
    """

    def __init__(self, remaining_s: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._remaining_s, self._clock = remaining_s, clock
        self._slowest_s, self._began_s = 0.0, clock()
        self._pieces = 0

    def goes_on(self) -> bool:
        """Take note of how long the last piece took, and tell whether there is time for the next; there is for the first."""
        now = self._clock()
        if self._pieces:
            self._slowest_s = max(self._slowest_s, now - self._began_s)
        self._began_s = now
        self._pieces += 1
        return self._pieces == 1 or self._remaining_s() > 2 * self._slowest_s + _SPARE_S
