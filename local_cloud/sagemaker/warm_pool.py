"""Containers that come when they are needed, and go when they are not.

A container works on one request at a time, as long as there is room for another one; then they share.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local_cloud.clock import Clock
from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.instances import Server, start_together

IDLE_S = 15 * 60.0
"""After so many of AWS's seconds without a request a container ends; AWS does not tell how long it waits."""
_START_S = 120.0


@dataclass
class _Use:
    """How a container is used: how many requests it works on, and when the last one began or ended."""

    requests: int
    since: float


class WarmPool:
    """The containers of one serverless variant.

    Parameters
    ----------
    start : callable
        Starts one; ``JobError`` if it is not healthy.
    most : int
        How many there are at most.
    clock : Clock
        By which a container is idle.
    """

    def __init__(self, start: Callable[[], Server], most: int, clock: Clock) -> None:
        self._start, self._most, self._clock = start, most, clock
        self._changed = threading.Condition()
        self._servers: dict[Server, _Use] = {}
        self._starting, self._kept = 0, 0

    @contextmanager
    def server(self) -> Iterator[tuple[Server, float | None]]:
        """Lend a container, with the seconds that its start took if it had to be started.

        Raises
        ------
        JobError
            If it had to be started and is not healthy.
        """
        begun = time.monotonic()
        server, setup_s = self._borrow(), None
        if server is None:
            server = self._cold_start()
            setup_s = time.monotonic() - begun
        try:
            yield server, setup_s
        finally:
            with self._changed:
                if use := self._servers.get(server):
                    use.requests -= 1
                    use.since = self._clock.now()

    def warm_up(self, count: int) -> None:
        """Start containers until there are so many (`JobError` if one is not healthy)."""
        missing = min(count, self._most) - len(self._servers)
        started = start_together([self._start] * max(0, missing))
        with self._changed:
            self._servers |= {server: _Use(0, self._clock.now()) for server in started}

    def keep(self, count: int) -> None:
        """Have so many containers warm from now on, whether they are needed or not."""
        self.warm_up(count)
        self._kept = min(count, self._most)

    def end_idle(self) -> None:
        """End containers that nobody has needed for long, but for those that are kept."""
        with self._changed:
            now = self._clock.now()
            idle = [
                server
                for server, use in self._servers.items()
                if not use.requests and now - use.since >= IDLE_S
            ]
            leaving = idle[: max(0, len(self._servers) - self._kept)]
            for server in leaving:
                del self._servers[server]
        for server in leaving:
            server.stop()

    def stop(self) -> None:
        """End all containers now."""
        with self._changed:
            leaving, self._servers = list(self._servers), {}
        for server in leaving:
            server.stop()

    def _borrow(self) -> Server | None:
        """Return the least busy container, or None if another one is to be started."""
        with self._changed:
            busy = all(use.requests for use in self._servers.values())
            if busy and len(self._servers) + self._starting < self._most:
                self._starting += 1
                return None
            self._changed.wait_for(lambda: self._servers or not self._starting, _START_S)
            if not self._servers:
                raise JobError("The container did not start.")
            server = min(self._servers, key=lambda server: self._servers[server].requests)
            self._servers[server].requests += 1
            return server

    def _cold_start(self) -> Server:
        server = None
        try:
            server = self._start()
            return server
        finally:
            with self._changed:
                self._starting -= 1
                if server is not None:
                    self._servers[server] = _Use(1, self._clock.now())
                self._changed.notify_all()
