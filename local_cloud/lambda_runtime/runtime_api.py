"""The Lambda Runtime API on the loopback, for one execution environment.

References
----------
.. [1] AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Invocation:
    """One event on its way into the environment."""

    request_id: str
    function_arn: str
    payload: bytes
    deadline_ms: int
    trace_id: str


@dataclass(frozen=True)
class Answer:
    """What the environment said to one invocation."""

    request_id: str
    payload: bytes
    failed: bool


class RuntimeApi:
    """Serves ``/2018-06-01/runtime/…`` to one process; the caller fills `inbox` and reads `outbox`."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Invocation | None] = queue.Queue()
        self.outbox: queue.Queue[Answer] = queue.Queue()
        self.ready = threading.Event()
        self.init_error: bytes | None = None
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """Value of ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self.inbox.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Without these two, Nagle's algorithm costs every call some 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the environment's own log is the log."""

    def do_GET(self) -> None:
        """Hand out the next invocation; this call waits for one."""
        self.server.api.ready.set()
        invocation = self.server.api.inbox.get()
        if invocation is None:
            self._reply(410)
            return
        self._reply(
            200,
            invocation.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
            },
        )

    def do_POST(self) -> None:
        """Take a response, an error, or an error of the initialisation."""
        body = self._body()
        *_, who, what = self.path.split("/")
        if who == "init":
            self.server.api.init_error = body
            self.server.api.ready.set()
        else:
            self.server.api.outbox.put(Answer(who, body, failed=what == "error"))
        self._reply(202, b"{}")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        # AWS's client crashes without a content type.
        own = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in {**(headers or {}), **own}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
