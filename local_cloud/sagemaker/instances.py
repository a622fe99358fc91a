"""The instances of a variant: servers among which requests are shared.

References
----------
.. [1] SageMaker API reference, "ProductionVariantRoutingConfig".
.. [2] SageMaker developer guide, "Metrics for monitoring Amazon SageMaker AI with Amazon CloudWatch".
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol, TypeVar

from local_cloud.sagemaker.answers import Answer, timed
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.servers import INVOKE_S, Reply

_DRAIN_S = 60.0


class Server(Protocol):
    """What a variant needs of a running container."""

    def invoke(self, body: bytes, headers: dict[str, str], timeout_s: float = INVOKE_S) -> Reply:
        """Post one request; ``OSError`` if the container does not answer within the time."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


class Instances:
    """A variant on instances.

    Parameters
    ----------
    start : callable
        Starts one server; ``JobError`` if it is not healthy.
    variant : Record
        The production variant, as in the endpoint's configuration.
    most : int
        How many servers stand for its instances at most.
    """

    def __init__(self, start: Callable[[], Server], variant: Record, most: int) -> None:
        self._start, self._most, self._name = start, most, variant["VariantName"]
        strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
        self._least_loaded = strategy == "LEAST_OUTSTANDING_REQUESTS"
        self._changed = threading.Condition()
        self._servers: list[Server] = []
        self._load: dict[Server, int] = {}  # requests in flight, also of servers that are leaving
        self.count = 0
        self.resize(variant["InitialInstanceCount"])

    def ask(self, body: bytes, headers: dict[str, str], timeout_s: float = INVOKE_S) -> Answer:
        """Have one of the servers answer; ``ValidationError`` if there is none."""
        server, concurrent, count = self._borrow()
        try:
            answer = timed(lambda: server.invoke(body, headers, timeout_s))
        finally:
            self._give_back(server)
        measured = {
            "InvocationsPerInstance": (1.0 / count, "None"),
            "ConcurrentRequestsPerModel": (concurrent / count, "None"),
            "InvocationModelErrors": (float(not answer.ok), "None"),
        }
        return replace(answer, measured=measured)

    def resize(self, count: int) -> None:
        """Run as many instances; those that leave answer first what they were asked.

        Raises
        ------
        JobError
            If a new one is not healthy; then everything is as before.
        """
        wanted = min(count, self._most)
        started = start_together([self._start] * max(0, wanted - len(self._servers)))
        with self._changed:
            self._servers += started
            self._load |= dict.fromkeys(started, 0)
            leaving, self._servers = self._servers[wanted:], self._servers[:wanted]
            self.count = count
        self._retire(leaving)

    def stop(self) -> None:
        """End all servers now."""
        with self._changed:
            leaving, self._servers = self._servers, []
        for server in leaving:
            server.stop()

    def _borrow(self) -> tuple[Server, int, int]:
        """Return a server, how many requests the variant works on now, and its number of instances."""
        with self._changed:
            if not self._servers:
                raise ApiError("ValidationError", f"{self._name} has no capacity to process this request.")
            candidates = self._servers
            if self._least_loaded:
                fewest = min(self._load[server] for server in self._servers)
                candidates = [server for server in self._servers if self._load[server] == fewest]
            server = random.choice(candidates)
            self._load[server] += 1
            return server, sum(self._load.values()), self.count

    def _give_back(self, server: Server) -> None:
        with self._changed:
            self._load[server] -= 1
            self._changed.notify_all()

    def _retire(self, leaving: Sequence[Server]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not any(self._load[server] for server in leaving), _DRAIN_S)
            for server in leaving:
                del self._load[server]
        for server in leaving:
            server.stop()


class _Stoppable(Protocol):
    def stop(self) -> None: ...


_T = TypeVar("_T", bound=_Stoppable)


def start_together(starts: Sequence[Callable[[], _T]]) -> list[_T]:
    """Start all at the same time; if one fails, end the others and raise its error."""
    if not starts:
        return []
    with ThreadPoolExecutor(len(starts)) as pool:
        futures = [pool.submit(start) for start in starts]
    errors = [error for future in futures if (error := future.exception())]
    if errors:
        for future in futures:
            if not future.exception():
                future.result().stop()
        raise errors[0]
    return [future.result() for future in futures]
