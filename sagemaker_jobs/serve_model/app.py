"""The server: a bare ASGI application, because a framework would cost more than the model.

References
----------
.. [1] SageMaker developer guide, "Custom Inference Code with Hosting Services".
.. [2] asgi.readthedocs.io, "HTTP & WebSocket ASGI Message Format".
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headrace.ml.request_cleaning import RequestCleaning
from headrace.ml.rows import CellError, read_columns
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.serve_model.answers import JSON, AcceptError, choose_type, write_answer
from sagemaker_jobs.serve_model.capture import Exchange, capture_lines
from sagemaker_jobs.serve_model.cleaned_requests import read_cleaned
from sagemaker_jobs.serve_model.images import image_check
from sagemaker_jobs.serve_model.requests import Cells, ContentTypeError, RequestError
from sagemaker_jobs.serve_model.settings import MAX_BODY_BYTES, Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_SMALL_BODY = 64 * 1024
_WARM_UP_ROWS = 2


@dataclass(frozen=True)
class Reply:
    """An answer before it is sent."""

    status: int
    body: bytes
    media_type: str = JSON
    exchange: Exchange | None = None


class _HttpError(Exception):
    """The request is refused with this status and this sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Application:
    """Answers SageMaker's two routes.

    Parameters
    ----------
    predictor : Predictor
        What answers rows. It is asked once, with missing cells, before the first request: code and caches are then warm.
    settings : Settings
        Environment of the container.
    write_line : callable, optional
        Where captured requests go; standard output by default.

    Attributes
    ----------
    headers : list of (bytes, bytes)
        Are sent with every answer, beside its own.
    """

    def __init__(
        self, predictor: Predictor, settings: Settings, write_line: Callable[[str], None] | None = None
    ) -> None:
        self._predictor = predictor
        self._cleaning = RequestCleaning(predictor.schema, predictor.steps)
        self._check = image_check(predictor.schema)
        self._capture_share = settings.capture_share
        self._write_line = write_line or _print_line
        self._execution_parameters = _execution_parameters(settings)
        version = settings.model_version
        self.headers = (
            [(b"x-amzn-sagemaker-custom-attributes", f"model_version={version}".encode())] if version else []
        )
        self._warm_up()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection's request, or follow the server's start and stop."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._respond(await self._route(scope, receive), send)

    async def _route(self, scope: Scope, receive: Receive) -> Reply:
        route = scope["method"], scope["path"]
        if route == ("POST", "/invocations"):
            return await self._invoke(scope, receive)
        if route in (("GET", "/ping"), ("HEAD", "/ping")):
            return Reply(200, b"{}")
        if route == ("GET", "/execution-parameters"):
            return Reply(200, self._execution_parameters)
        known = {"/ping": "GET", "/invocations": "POST", "/execution-parameters": "GET"}
        if scope["path"] in known:
            return _refusal(405, f"{scope['path']} takes {known[scope['path']]}")
        return _refusal(404, "there is /ping, /invocations and /execution-parameters")

    async def _invoke(self, scope: Scope, receive: Receive) -> Reply:
        headers = dict(scope["headers"])
        try:
            body = await _read_body(headers, receive)
        except _HttpError as error:
            return _refusal(error.status, str(error))
        if len(body) <= _SMALL_BODY:
            return self.reply(headers, body)
        # Large requests must not keep /ping waiting.
        return await asyncio.to_thread(self.reply, headers, body)

    def reply(self, headers: dict[bytes, bytes], body: bytes) -> Reply:
        """Answer a body; what is wrong with it, or with the model, is in the reply's status."""
        try:
            return self._answer(headers, body)
        except _HttpError as error:
            return _refusal(error.status, str(error))
        except Exception:
            traceback.print_exc()
            return _refusal(500, "the model could not answer; the container's log says why")

    def _answer(self, headers: dict[bytes, bytes], body: bytes) -> Reply:
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        try:
            media_type = choose_type(headers.get(b"accept", b"").decode("latin-1"), content_type)
            cells, cleaned = read_cleaned(body, content_type, self._cleaning)
            columns = read_columns(cleaned, self._predictor.schema)
            self._check(columns)
        except AcceptError as error:
            raise _HttpError(406, str(error)) from None
        except ContentTypeError as error:
            raise _HttpError(415, str(error)) from None
        except (RequestError, CellError) as error:
            raise _HttpError(400, str(error)) from None
        values = self._predictor.predict(columns)
        answer = write_answer(values, self._predictor.classes, media_type)
        if not self._capture_share or random.random() >= self._capture_share:
            return Reply(200, answer, media_type)
        inference_id = headers.get(b"x-amzn-sagemaker-inference-id", b"").decode("latin-1") or None
        return Reply(
            200,
            answer,
            media_type,
            Exchange(body, content_type, cells, answer, media_type, inference_id, datetime.now(UTC)),
        )

    async def _respond(self, reply: Reply, send: Send) -> None:
        """Send the answer, then log it: the caller does not wait for the log."""
        headers = [
            (b"content-type", reply.media_type.encode()),
            (b"content-length", str(len(reply.body)).encode()),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        if reply.exchange is not None:
            self.capture(reply.exchange)

    def capture(self, exchange: Exchange) -> None:
        """Log an exchange, after its answer is out."""
        try:
            for line in capture_lines(exchange):
                self._write_line(line)
        except Exception:  # The answer is out; a lost record must not end the connection.
            traceback.print_exc()

    def _warm_up(self) -> None:
        cells: Cells = {column.name: [None] * _WARM_UP_ROWS for column in self._cleaning.wanted}
        if self._cleaning.steps:
            cells = self._cleaning.cleaned(cells)
        values = self._predictor.predict(read_columns(cells, self._predictor.schema))
        write_answer(values, self._predictor.classes, JSON)


async def _read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    too_large = _HttpError(413, f"the body is larger than {MAX_BODY_BYTES // 2**20} MB")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _HttpError(400, "the connection was closed before the body was complete")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise too_large
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _live(receive: Receive, send: Send) -> None:
    """Follow the server's start and stop; the model is ready before the first."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _execution_parameters(settings: Settings) -> bytes:
    """Say how a transform job asks best: as many requests at once as there are processes, of many rows each."""
    return json.dumps(
        {
            "MaxConcurrentTransforms": settings.workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": MAX_BODY_BYTES // 2**20,
        }
    ).encode()


def _refusal(status: int, reason: str) -> Reply:
    return Reply(status, json.dumps({"error": reason}, ensure_ascii=False).encode())


def _print_line(line: str) -> None:
    """Write one line in one piece, so that lines of several processes do not mix."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
