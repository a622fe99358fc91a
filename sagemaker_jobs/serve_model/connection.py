"""One caller's connection: HTTP/1.1 by llhttp's parser, without what a web framework adds.

Answers go out in the order of their requests, each in one write. While one is being worked out, nothing more is read.

References
----------
.. [1] RFC 9112, "HTTP/1.1".
.. [2] RFC 9110, "HTTP Semantics", 10.1.1 "Expect".
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from sagemaker_jobs.serve_model.app import KEPT_HEADERS, Reply, refusal
from sagemaker_jobs.serve_model.http_request import Request, path_of

MOST_CONNECTIONS = 1000
_LARGEST_HEAD = 32 * 1024
_FRAMED = 2  # times a body: with what frames its chunks
_REQUEST_S = 60.0  # SageMaker's own patience with a request
_IDLE_S = 75.0
_LINGERING_S = 5.0
_HEAD_TOO_LARGE = f"the headers are longer than {_LARGEST_HEAD // 1024} KB"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Server(Protocol):
    """What a connection needs from the server."""

    now: float
    connections: set[Connection]
    draining: bool
    most_body_bytes: int

    def respond(self, request: Request, connection: Connection) -> Reply | None:
        """Return the answer; None if it will come by `Connection.deliver`."""
        ...

    def hold(self, size: int) -> bool:
        """Take memory for a part of a body, or give some back; False if there is none left."""
        ...

    def written(self, reply: Reply, *, keep: bool, with_body: bool) -> bytes:
        """Return the bytes of an answer."""
        ...

    def sent(self, reply: Reply) -> None:
        """Take note of an answer that is out."""
        ...


class Connection(asyncio.Protocol):
    """Reads requests and writes answers until one of both sides has enough."""

    _transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = HttpRequestParser(self)
        self._waiting: deque[Request | Reply] = deque()
        self._current: Request | None = None
        self._full = self._refused = self._ended = False
        self._seen, self._active = 0, server.now
        self._size = 0
        self._begin_message()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport  # type: ignore[assignment]  # TCP's is a whole one
        self._server.connections.add(self)
        if len(self._server.connections) > MOST_CONNECTIONS:
            self._refuse(503, "more callers are connected than can be served; ask again")

    def connection_lost(self, error: Exception | None) -> None:
        """Forget what was not answered."""
        self._server.connections.discard(self)
        self._server.hold(-self._size)
        for item in (*self._waiting, self._current):
            if isinstance(item, Request):
                self._server.hold(-len(item.body))
        self._waiting.clear()
        self._size, self._current = 0, None

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        if self._refused:
            return
        self._active = self._server.now
        self._seen += len(data)
        while data:
            try:
                self._parser.feed_data(data)
                break
            except HttpParserUpgrade as upgrade:
                # No protocol but this one is spoken here: the offer is passed over, as RFC 9110 (7.8) allows.
                data = data[upgrade.args[0] :]
                self._parser = HttpRequestParser(self)
            except HttpParserError:
                self._refuse(400, "the request is not HTTP/1.1")
                break
        if self._begun and self._seen > _FRAMED * self._server.most_body_bytes:
            self._refuse(413, "the request is larger than a body may be")

    def eof_received(self) -> bool:
        """Let a caller who has said all it wants to still hear its answers."""
        self._ended = True
        return self._is_busy()

    def pause_writing(self) -> None:
        """Answer no more until the caller has read what is written."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._go_on()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._begun, self._began, self._seen = True, self._server.now, 0

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self._url += part
        self._head += len(part)
        if self._head > _LARGEST_HEAD:
            self._refuse(431, _HEAD_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or pass over it."""
        self._head += len(name) + len(value)
        if self._head > _LARGEST_HEAD:
            self._refuse(431, _HEAD_TOO_LARGE)
        name = name.lower()
        if name in KEPT_HEADERS:
            self._headers[name] = value
        elif name == b"content-length":
            most = self._server.most_body_bytes
            self._too_large = len(value) > len(str(most)) or int(value) > most
        elif name == b"expect":
            self._due = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """Refuse a body before it comes, or ask for it."""
        if self._too_large:
            self._refuse_body()
        elif self._due and not (self._refused or self._is_busy()):
            self._continue()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._refused:
            return
        if self._size + len(part) > self._server.most_body_bytes:
            self._refuse_body()
        elif not self._server.hold(len(part)):
            self._refuse(503, "the server has no memory left for another body; ask again")
        else:
            self._size += len(part)
            self._parts.append(part)

    def on_message_complete(self) -> None:
        """Answer, or put the request behind those before it."""
        if self._refused or self._transport.is_closing():
            return
        parts = self._parts
        request = Request(
            self._parser.get_method(),
            path_of(self._url),
            self._headers,
            parts[0] if len(parts) == 1 else b"".join(parts),
            self._parser.should_keep_alive(),
        )
        self._begin_message()
        self._take(request)

    # What the server calls

    def deliver(self, reply: Reply) -> None:
        """Send an answer that had to be waited for, and go on."""
        request, self._current = self._current, None
        if request is None:  # the caller is gone
            return
        self._send(request, reply)
        self._go_on()

    def check(self, now: float) -> None:
        """Close the connection of a caller who is too slow, or has been silent for long."""
        if self._is_busy() and not self._full:
            return  # it is the server who keeps the caller waiting
        if self._begun and not (self._full or self._refused):
            if now - self._began > _REQUEST_S:
                self._refuse(408, f"the request was not whole after {_REQUEST_S:.0f} seconds")
            return
        patience = _REQUEST_S if self._full else _LINGERING_S if self._refused else _IDLE_S
        if now - self._active > patience:
            self._transport.abort()

    def drain(self) -> None:
        """Close the connection if nothing is under way; it closes after the next answer otherwise."""
        if not (self._begun or self._is_busy() or self._refused):
            self._transport.close()

    def _begin_message(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._size = self._head = 0
        self._begun = self._too_large = self._due = False

    def _is_busy(self) -> bool:
        return bool(self._current or self._waiting or self._full)

    def _continue(self) -> None:
        self._due = False
        self._transport.write(_CONTINUE)

    def _refuse_body(self) -> None:
        self._refuse(413, f"the body is larger than {self._server.most_body_bytes // 2**20} MB")

    def _refuse(self, status: int, reason: str) -> None:
        """Answer what came before, refuse this, and read no more."""
        if not self._refused:
            self._refused = True
            self._server.hold(-self._size)
            self._begin_message()
            if not self._transport.is_closing():
                self._take(refusal(status, reason))

    def _take(self, item: Request | Reply) -> None:
        if self._is_busy():
            self._waiting.append(item)
            self._transport.pause_reading()
        else:
            self._handle(item)

    def _handle(self, item: Request | Reply) -> None:
        if isinstance(item, Reply):
            self._end(item)
            return
        reply = self._server.respond(item, self)
        if reply is None:
            self._current = item
            self._transport.pause_reading()
        else:
            self._send(item, reply)

    def _send(self, request: Request, reply: Reply) -> None:
        self._server.hold(-len(request.body))
        if self._transport.is_closing():
            return
        keep = request.keep and (bool(self._waiting) or not self._server.draining)
        self._transport.write(self._server.written(reply, keep=keep, with_body=request.method != b"HEAD"))
        self._server.sent(reply)
        if not keep:
            self._transport.close()

    def _end(self, reply: Reply) -> None:
        """Refuse, and close once the caller has read it: closed at once, what it still sends would reset the connection."""
        self._active = self._server.now
        self._transport.write(self._server.written(reply, keep=False, with_body=True))
        if self._ended:
            self._transport.close()
        else:
            self._transport.write_eof()
            self._transport.resume_reading()

    def _go_on(self) -> None:
        while self._waiting and not (self._current or self._full or self._transport.is_closing()):
            self._handle(self._waiting.popleft())
        if self._transport.is_closing() or self._is_busy():
            return
        if self._ended:
            self._transport.close()
            return
        if self._due:
            self._continue()
        self._transport.resume_reading()
