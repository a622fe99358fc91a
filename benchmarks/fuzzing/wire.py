"""Bytes on the wire: requests with malformed bodies, and HTTP that is none."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from benchmarks.fuzzing.bodies import TOKENS, bodies
from headrace.ml.column_schema import ColumnSchema

_BROKEN_SHARE, _CHUNKED_SHARE = 0.15, 0.2
_NAMES = (
    b"Accept",
    b"X-Amzn-SageMaker-Custom-Attributes",
    b"X-Amzn-SageMaker-Inference-Id",
    b"Expect",
    b"Connection",
)
_VALUES = (
    b"*/*", b"text/csv", b"application/json;q=0.1, text/csv;q=nan", b"application/json; output=labels", b"output=both", b"output=all",
    b"image/png", b";;;=,,q=", b"100-continue", b"close", b"upgrade, HTTP2-Settings", b"\xff\xfe", b"x" * 3000, b"",
)  # fmt: skip


def conversation(rng: random.Random, features: Sequence[ColumnSchema]) -> tuple[bytes, int]:
    """Return what one caller says until it hangs up, and how many requests that is meant to be."""
    if rng.random() < _BROKEN_SHARE:
        return rng.choice(_BROKEN)(rng, _request(rng, features)), 1
    count = rng.choice((1, 1, 1, 1, 2, 5))
    return b"".join(_request(rng, features) for _ in range(count)), count


def _request(rng: random.Random, features: Sequence[ColumnSchema]) -> bytes:
    kind, body = bodies(rng, features)
    headers = [b"Content-Type: " + kind] if kind else []
    for _ in range(rng.randrange(3)):
        headers.append(rng.choice(_NAMES) + b": " + rng.choice(_VALUES))
    if rng.random() < _CHUNKED_SHARE:
        headers.append(b"Transfer-Encoding: chunked")
        body = _in_chunks(rng, body)
    else:
        headers.append(b"Content-Length: %d" % len(body))
    rng.shuffle(headers)
    return b"\r\n".join([b"POST /invocations HTTP/1.1", *headers]) + b"\r\n\r\n" + body


def _in_chunks(rng: random.Random, body: bytes) -> bytes:
    chunks = []
    while body:
        size = rng.randrange(1, len(body) + 1)
        chunks.append(b"%x%s\r\n%s\r\n" % (size, rng.choice((b"", b";a=b")), body[:size]))
        body = body[size:]
    return b"".join(chunks) + b"0\r\n\r\n"


def _garbled(rng: random.Random, request: bytes) -> bytes:
    place = rng.randrange(min(len(request), 200))
    return request[:place] + rng.choice((rng.randbytes(3), rng.choice(TOKENS), b"")) + request[place + 1 :]


def _cut_off(rng: random.Random, request: bytes) -> bytes:
    return request[: rng.randrange(len(request))]


def _other_line(rng: random.Random, request: bytes) -> bytes:
    methods = (b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE", b"PRI", b"G\x00T", b"")
    targets = (
        b"/ping",
        b"/invocations?x=1",
        b"/execution-parameters",
        b"*",
        b"http://a/ping",
        b"/%00",
        b"/../x",
        b"//",
        b"a:1",
        b"/" * 9000,
    )
    versions = (b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b" HTTP/0.9", b"", b" FTP/1.1")
    line = rng.choice(methods) + b" " + rng.choice(targets) + rng.choice(versions)
    return line + b"\r\n" + request.partition(b"\r\n")[2]


def _other_framing(rng: random.Random, request: bytes) -> bytes:
    framing = (
        b"Content-Length: 5", b"Content-Length: -5", b"Content-Length: 5, 6", b"Content-Length: 99999999999999999999", b"Content-Length: 1e3",
        b"Content-Length: 7000000", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity", b"Upgrade: websocket",
        b" folded", b"no colon", b"x: " + b"y" * 40_000, b"a:b\r\n" * 2000,
    )  # fmt: skip
    line, _, rest = request.partition(b"\r\n")
    return line + b"\r\n" + rng.choice(framing) + b"\r\n" + rest


def _noise(rng: random.Random, request: bytes) -> bytes:
    return rng.choice(
        (
            rng.randbytes(rng.randrange(1, 500)),
            b"\r\n" * 50 + request,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        )
    )


_BROKEN: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _garbled,
    _garbled,
    _cut_off,
    _other_line,
    _other_framing,
    _noise,
)
