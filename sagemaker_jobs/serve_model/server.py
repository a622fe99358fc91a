"""One serving process: connections, what they share, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import lru_cache

import uvloop

from sagemaker_jobs.serve_model.app import Application, Reply, lines_of
from sagemaker_jobs.serve_model.capture import is_small
from sagemaker_jobs.serve_model.capture_log import CaptureLog, log_file
from sagemaker_jobs.serve_model.connection import Connection
from sagemaker_jobs.serve_model.desk import Desk
from sagemaker_jobs.serve_model.http_request import Request
from sagemaker_jobs.serve_model.requests import PARQUET, media_type

QUICK_CALL_S = 0.002
"""A model that answers within this is asked where requests are read: a thread would cost more, and gain nothing."""

_SMALL_BODY = 64 * 1024  # larger ones must not keep /ping waiting
_LEAST_HELD = 256 * 2**20  # bytes of bodies, or two of the largest
_DRAIN_S = 25.0  # SageMaker kills a container 30 seconds after SIGTERM
_LOG_S = 2.0
_TICK_S = 1.0
_LOOK_S = 0.02
_BACKLOG = 2048
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_BUSY = 503


class Server:
    """Answers the connections of one process.

    Parameters
    ----------
    application : Application
        What answers.
    log : CaptureLog
        Where captured requests go.
    loop : asyncio.AbstractEventLoop
        What calls.

    Attributes
    ----------
    now : float
        Seconds, of a clock that is read once a second.
    connections : set of Connection
        All that are open.
    draining : bool
        Whether no further request is to come.
    most_body_bytes : int
        Of one request.
    """

    def __init__(self, application: Application, log: CaptureLog, loop: asyncio.AbstractEventLoop) -> None:
        self._application, self._log, self._loop = application, log, loop
        self._desk = Desk(application, loop)
        self._at_once = application.seconds_per_call <= QUICK_CALL_S
        self._own_headers = b"".join(b"%s: %s\r\n" % header for header in application.headers)
        self._heads: dict[tuple[int, str, bool], bytes] = {}
        self._held = 0
        self.most_body_bytes = application.most_body_bytes
        self._most_held = max(_LEAST_HELD, 2 * self.most_body_bytes)
        self.now = 0.0
        self.connections: set[Connection] = set()
        self.draining = False
        self.tick()

    def respond(self, request: Request, connection: Connection) -> Reply | None:
        """Return the answer; None if it will come by `Connection.deliver`."""
        if request.path != b"/invocations" or request.method != b"POST":
            return self._application.other_route(request.method, request.path)
        large = len(request.body) > _SMALL_BODY or _unpacks(request.headers.get(b"content-type", b""))
        if self._at_once and not large:
            return self._application.reply(request.headers, request.body)
        return self._desk.take(request.headers, request.body, connection.deliver, large=large)

    def hold(self, size: int) -> bool:
        """Take memory for a part of a body, or give some back; False if there is none left."""
        if size > 0 and self._held + size > self._most_held:
            return False
        self._held += size
        return True

    def written(self, reply: Reply, *, keep: bool, with_body: bool) -> bytes:
        """Return the bytes of an answer."""
        key = reply.status, reply.media_type, keep
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = self._head(*key)
        return b"%s%d\r\n\r\n%s" % (head, len(reply.body), reply.body if with_body else b"")

    def sent(self, reply: Reply) -> None:
        """Capture an answer that is out."""
        exchange = reply.exchange
        if exchange is None:
            return
        if is_small(exchange):
            self._log.add(exchange)
        else:
            nothing: list[bytes] = []
            self._desk.work_out(lambda: lines_of(exchange), self._log.add_lines, nothing)

    def tick(self) -> None:
        """Look at the clock, and at connections that are slow or silent."""
        self.now = time.monotonic()
        self._heads.clear()  # they have the time
        for connection in list(self.connections):
            connection.check(self.now)

    def connect(self) -> Connection:
        """Return what is to speak with a new caller."""
        return Connection(self)

    def drain(self) -> None:
        """Take no more requests on open connections."""
        self.draining = True
        self._heads.clear()
        for connection in list(self.connections):
            connection.drain()

    def close(self) -> None:
        """End the threads, and write what is captured."""
        self._desk.close()
        self._log.close(_LOG_S)

    def _head(self, status: int, media_type: str, keep: bool) -> bytes:
        lines = [
            f"HTTP/1.1 {status} {_REASONS[status]}",
            time.strftime("date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
            f"content-type: {media_type}",
            *([] if keep else ["connection: close"]),
            *(["retry-after: 1"] if status == _BUSY else []),
        ]
        return "\r\n".join([*lines, ""]).encode() + self._own_headers + b"content-length: "


async def serve(
    application: Application, listener: socket.socket, log: Callable[..., CaptureLog], parent: int = 0
) -> None:
    """Answer until SIGTERM or SIGINT; requests that have begun are answered first.

    Parameters
    ----------
    application : Application
        What answers.
    listener : socket
        Bound; listened on from here on, for nobody is to be let in before the model is warm.
    log : callable
        Makes the log of captured requests for the loop.
    parent : int
        The process without which this one has no business; 0 if there is none.
    """
    loop = asyncio.get_running_loop()
    server = Server(application, log(loop), loop)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listening = await loop.create_server(server.connect, sock=listener, backlog=_BACKLOG)
    while not stop.is_set() and (not parent or os.getppid() == parent):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _TICK_S)
        server.tick()
    listening.close()
    server.drain()
    deadline = time.monotonic() + _DRAIN_S
    while server.connections and time.monotonic() < deadline:
        await asyncio.sleep(_LOOK_S)
    server.close()


def run(application: Application, listener: socket.socket, turn: int | None = None, parent: int = 0) -> None:
    """Serve in an event loop of this process; `turn` is the file that processes lock to write to the log."""
    gc.collect()
    gc.freeze()  # the model stays: there is no point in looking through it again
    uvloop.run(serve(application, listener, lambda loop: CaptureLog(loop, log_file(), turn), parent))


@lru_cache(64)
def _unpacks(content_type: bytes) -> bool:
    """Tell whether a small body may hold much."""
    return media_type(content_type.decode("latin-1")) in PARQUET
