"""The limit: the same graph behind a bare ASGI function that checks nothing and records nothing."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import numpy as np
import onnxruntime
import orjson

from benchmarks.serving.problem import NUMBERS

Message = MutableMapping[str, Any]

_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = 1
_SESSION = onnxruntime.InferenceSession(
    os.environ["LIMIT_MODEL"], _options, providers=["CPUExecutionProvider"]
)
_WIDTH = len(NUMBERS)
_NAN = float("nan")
_HEADERS: dict[bool, tuple[bytes, bytes]] = {
    True: (b"content-type", b"text/csv"),
    False: (b"content-type", b"application/json"),
}


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer rows with the probability of each class."""
    if scope["type"] != "http":
        return
    body = await _body(receive) if scope["method"] == "POST" else b""
    in_csv = dict(scope["headers"]).get(b"content-type") == b"text/csv"
    answer = _answer(body, in_csv) if body else b"{}"
    headers = [_HEADERS[in_csv], (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _answer(body: bytes, in_csv: bool) -> bytes:
    if in_csv:
        rows = [line.split(",") for line in body.decode().split("\n") if line]
        numbers = [[float(cell) if cell else _NAN for cell in row[:_WIDTH]] for row in rows]
    else:
        rows = orjson.loads(body)["instances"]
        numbers = [[_NAN if cell is None else cell for cell in row[:_WIDTH]] for row in rows]
    words = [["" if cell is None else cell for cell in row[_WIDTH:]] for row in rows]
    fed = {"numbers": np.array(numbers, np.float64), "words": np.array(words, object)}
    values = _SESSION.run(None, fed)[-1].tolist()
    if in_csv:
        return "".join(f"{row[-1]}\n" for row in values).encode()
    return orjson.dumps({"predictions": values})


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body
