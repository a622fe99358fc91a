"""Ports for containers, which nobody else takes in the moment before they listen."""

from __future__ import annotations

import random
import socket
import threading
from collections import deque
from collections.abc import Callable

PORTS = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections (from 32768 on), each of which could take the port away."""
_REMEMBERED = 1_000


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Ports:
    """Hands out ports of the loopback.

    Parameters
    ----------
    is_free : callable
        Tells whether nothing has this port now.
    """

    def __init__(self, is_free: Callable[[int], bool] = _is_free) -> None:
        self._is_free, self._lock = is_free, threading.Lock()
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)

    def take(self) -> int:
        """Return a port that nothing has, nor was handed out lately to a container that may not listen yet."""
        with self._lock:
            while True:
                port = random.choice(PORTS)
                if port not in self._recent and self._is_free(port):
                    self._recent.append(port)
                    return port
