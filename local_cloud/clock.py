"""The time that mere waiting takes: on AWS minutes, here seconds."""

from __future__ import annotations

import time


class Clock:
    """Counts AWS's seconds, of which several pass in one of ours.

    Only what waits and does nothing meanwhile goes by this clock: baking, cooling down, idling. What a process
    takes for its work is measured as it is.

    Parameters
    ----------
    hurry : float
        How many of AWS's seconds pass in one second, at least 1.

    Examples
    --------
    >>> clock = Clock(hurry=1000)
    >>> begun = clock.now()
    >>> clock.wait(2)
    >>> clock.now() - begun >= 2
    True
    """

    def __init__(self, hurry: float = 1.0) -> None:
        self._hurry = hurry

    def now(self) -> float:
        """Return AWS's seconds since some moment in the past."""
        return time.monotonic() * self._hurry

    def wait(self, seconds: float) -> None:
        """Wait so many of AWS's seconds."""
        time.sleep(seconds / self._hurry)
