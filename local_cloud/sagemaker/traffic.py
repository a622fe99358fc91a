"""Which fleet answers the next request of an endpoint."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from local_cloud.clock import Clock
from local_cloud.sagemaker.fleets import Fleet

_IDLE_CHECK_S = 60.0


class _Canary(NamedTuple):
    """A new fleet, and the share of the requests that it gets."""

    fleet: Fleet
    share: float


class Traffic:
    """The fleets of all endpoints."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fleets: dict[str, Fleet] = {}
        self._canaries: dict[str, _Canary] = {}

    def fleet(self, endpoint: str) -> Fleet:
        """Return the fleet that an endpoint has for good; ``KeyError`` if it has none."""
        return self._fleets[endpoint]

    def fleets(self) -> dict[str, Fleet]:
        """Return those of all endpoints, by the endpoints' names."""
        with self._lock:
            return dict(self._fleets)

    def put(self, endpoint: str, fleet: Fleet) -> None:
        """Let this fleet answer all requests of an endpoint from now on."""
        with self._lock:
            self._canaries.pop(endpoint, None)
            self._fleets[endpoint] = fleet

    def shift(self, endpoint: str, fleet: Fleet, share: float) -> None:
        """Let this fleet answer a share of the requests, in [0, 1], and the present one the rest."""
        with self._lock:
            self._canaries[endpoint] = _Canary(fleet, share)

    def shift_back(self, endpoint: str) -> None:
        """Let the present fleet answer all requests again."""
        with self._lock:
            self._canaries.pop(endpoint, None)

    def remove(self, endpoint: str) -> Fleet | None:
        """Forget an endpoint, and return its fleet, if it had one."""
        with self._lock:
            return self._fleets.pop(endpoint, None)

    @contextmanager
    def serving(self, endpoint: str) -> Iterator[Fleet | None]:
        """Lend the fleet for one request, which is not stopped meanwhile; None if there is none."""
        with self._lock:
            canary = self._canaries.get(endpoint)
            shifted = canary is not None and random.random() < canary.share
            fleet = canary.fleet if canary and shifted else self._fleets.get(endpoint)
            if fleet:
                fleet.count(1)
        try:
            yield fleet
        finally:
            if fleet:
                fleet.count(-1)

    def stop(self) -> None:
        """End all servers now."""
        for fleet in self._all():
            fleet.stop()

    def end_idle(self) -> None:
        """End the servers of serverless variants that nobody has needed for long."""
        for fleet in self._all():
            fleet.end_idle()

    def keep_ending_idle(self, clock: Clock) -> None:
        """End such servers for ever."""
        while True:
            clock.wait(_IDLE_CHECK_S)
            self.end_idle()

    def _all(self) -> list[Fleet]:
        with self._lock:
            return [*self._fleets.values(), *(canary.fleet for canary in self._canaries.values())]
