"""Load: keeps a number of connections busy with one request after another, and compares every answer with the first one.

A general client spends more time on a request than the server does. This one sends bytes that were made beforehand and looks
only at what it must.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import numpy as np
import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_OK = b"HTTP/1.1 200"


@dataclass(frozen=True)
class Figures:
    """What a run has shown.

    Parameters
    ----------
    requests, errors : int
        Answers, and how many of them were not 200 or not the first answer to the same request.
    seconds : float
        How long it took.
    p50_ms, p99_ms : float
        Time from the request to the end of its answer, in milliseconds: of the median, and of 99 in 100.
    """

    requests: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


@dataclass
class _Run:
    """What the connections share."""

    requests: Sequence[bytes]
    answers: Sequence[bytes]
    deadline: float
    most: float
    sent: int = 0
    errors: int = 0
    times: list[float] = field(default_factory=list)

    def next(self) -> int | None:
        """Return the number of the next request; None if it is enough."""
        if self.sent >= self.most or time.perf_counter() > self.deadline:
            return None
        self.sent += 1
        return self.sent % len(self.requests)


class _Connection(asyncio.Protocol):
    """One caller that sends its next request once it has the answer to the last."""

    def __init__(self, run: _Run, done: asyncio.Future[None]) -> None:
        self._run, self._done = run, done
        self._held = b""
        self._index = 0
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        held = self._held + data if self._held else data
        head = held.find(_END_OF_HEAD)
        if head < 0 or len(held) < head + len(_END_OF_HEAD) + _content_length(held[:head]):
            self._held = held
            return
        self._held = b""
        self._run.times.append(time.perf_counter() - self._began)
        expected = self._run.answers[self._index]
        if not held.startswith(_OK) or held[head + len(_END_OF_HEAD) :] != expected:
            self._run.errors += 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._run.errors += 1
            self._done.set_result(None)

    def _ask(self) -> None:
        index = self._run.next()
        if index is None:
            self._done.set_result(None)
            self._transport.close()
            return
        self._index = index
        self._began = time.perf_counter()
        self._transport.write(self._run.requests[index])


def load(
    port: int,
    bodies: Sequence[bytes],
    content_type: str,
    *,
    connections: int,
    seconds: float = 1e9,
    requests: float = 1e12,
) -> Figures:
    """Keep `connections` busy for `seconds`, or until there were so many `requests`."""
    asked = [_request(body, content_type) for body in bodies]
    return uvloop.run(_load(port, asked, connections, seconds, requests))


async def _load(port: int, asked: list[bytes], connections: int, seconds: float, most: float) -> Figures:
    answers = [await _answer(port, request) for request in asked]
    began = time.perf_counter()
    run = _Run(asked, answers, began + seconds, most)
    loop = asyncio.get_running_loop()
    ended = [loop.create_future() for _ in range(connections)]
    for done in ended:
        await loop.create_connection(partial(_Connection, run, done), "127.0.0.1", port)
    await asyncio.gather(*ended)
    taken = time.perf_counter() - began
    p50, p99 = np.percentile(run.times, [50, 99]) * 1000
    return Figures(len(run.times), run.errors, taken, float(p50), float(p99))


async def _answer(port: int, request: bytes) -> bytes:
    """Return the body of the answer to one request, which must be 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(_END_OF_HEAD)
    body = await reader.readexactly(_content_length(head))
    writer.close()
    if not head.startswith(_OK):
        raise SystemExit(f"the server answers {head.splitlines()[0]!r}: {body[:200]!r}")
    return body


def _request(body: bytes, content_type: str) -> bytes:
    head = (
        f"POST /invocations HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {content_type}\r\n"
        f"accept: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(b"content-length:") + len(b"content-length:")
    end = lower.find(b"\r\n", start)
    return int(lower[start : end if end >= 0 else None])
