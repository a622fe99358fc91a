"""The queues of asynchronous endpoints: who waits, who is being answered, and for how long that has been so."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable

from local_cloud.sagemaker.async_requests import AsyncRequest


class AsyncQueues:
    """One queue for each endpoint, first come, first answered; safe to use from several threads.

    Examples
    --------
    >>> queues = AsyncQueues()
    >>> queues.add([AsyncRequest("e", {}, "", b"x", str(n), 100.0 + n, 60, 1, "", "") for n in range(3)])
    >>> [request.inference_id for request in queues.take("e", capacity=2)]
    ['0', '1']
    >>> queues.take("e", capacity=2), queues.size("e"), queues.oldest("e")
    ([], 3, 100.0)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[AsyncRequest]] = defaultdict(deque)
        self._answered: dict[str, list[AsyncRequest]] = defaultdict(list)

    def add(self, requests: Iterable[AsyncRequest]) -> None:
        """Put requests at the end of their endpoints' queues."""
        with self._lock:
            for request in requests:
                self._waiting[request.endpoint].append(request)

    def take(self, endpoint: str, capacity: int) -> list[AsyncRequest]:
        """Take the requests that may be answered now, where `capacity` are at the same time."""
        with self._lock:
            waiting, answered = self._waiting[endpoint], self._answered[endpoint]
            taken = [waiting.popleft() for _ in range(min(len(waiting), max(0, capacity - len(answered))))]
            answered += taken
            return taken

    def done(self, request: AsyncRequest) -> None:
        """Forget a request that was taken."""
        with self._lock:
            answered = self._answered[request.endpoint]
            answered[:] = [other for other in answered if other is not request]

    def expired(self, now: float) -> list[AsyncRequest]:
        """Take out of the queues what has waited for longer than it may."""
        gone: list[AsyncRequest] = []
        with self._lock:
            for endpoint, waiting in self._waiting.items():
                kept: deque[AsyncRequest] = deque()
                for request in waiting:
                    (gone if now - request.received > request.ttl_s else kept).append(request)
                self._waiting[endpoint] = kept
        return gone

    def drop(self, endpoint: str) -> None:
        """Forget all that waits for an endpoint, which is gone."""
        with self._lock:
            self._waiting.pop(endpoint, None)

    def size(self, endpoint: str) -> int:
        """Return how many requests wait or are being answered."""
        with self._lock:
            return len(self._waiting[endpoint]) + len(self._answered[endpoint])

    def oldest(self, endpoint: str) -> float | None:
        """Return when the oldest of them was received; None if there is none."""
        with self._lock:
            known = [*self._answered[endpoint], *self._waiting[endpoint]]
            return min((request.received for request in known), default=None)

    def endpoints(self) -> list[str]:
        """Return the endpoints for which requests wait."""
        with self._lock:
            return [name for name, waiting in self._waiting.items() if waiting]

    def dump(self) -> list[AsyncRequest]:
        """Return all requests that are not done, those that are being answered first."""
        with self._lock:
            queues = [*self._answered.values(), *self._waiting.values()]
            return [request for queue in queues for request in queue]
