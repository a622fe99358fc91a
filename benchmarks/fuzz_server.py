"""Sends the serving container what nobody should send, over real sockets, and counts what it must never do.

It must not answer with a status of 500 or more, must not die, and must not leave a caller without an end. Ends in one line of
JSON. The same seed sends the same bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import re
import socket
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.fuzzing.wire import conversation
from tests.integration.sagemaker_jobs.opt_ml import SCHEMA, OptMl
from tests.integration.sagemaker_jobs.serving_container import Container

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_PATIENCE_S = 30.0
_SERVER_ERROR = 500


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        job = OptMl(Path(folder), problem="multiclass")  # type: ignore[no-untyped-call]
        with contextlib.redirect_stdout(io.StringIO()):
            job.train()  # type: ignore[no-untyped-call]
        print(json.dumps(_campaign(job, options.requests, random.Random(options.seed))))


def _campaign(job: OptMl, requests: int, rng: random.Random) -> dict[str, object]:
    statuses: Counter[int] = Counter()
    sent = crashes = hung = 0
    container, began = _started(job), time.perf_counter()
    while sent < requests:
        said, count = conversation(rng, SCHEMA)
        sent += count
        answer = _said(container.port, said)
        hung += answer is None
        statuses.update(map(int, _STATUS.findall(answer or b"")))
        if container.process.poll() is not None:
            crashes += 1
            container = _started(job)
    alive = container.ask()[0]
    code = container.end()
    return {
        "requests": sent,
        "five_xx": sum(count for status, count in statuses.items() if status >= _SERVER_ERROR),
        "crashes": crashes,
        "hung": hung,
        "answers_afterwards": alive,
        "exit_code": code,
        "statuses": {str(status): statuses[status] for status in sorted(statuses)},
        "seconds": round(time.perf_counter() - began, 1),
    }


def _started(job: OptMl) -> Container:
    return Container(job, SAGEMAKER_MODEL_SERVER_WORKERS="1").await_ping()


def _said(port: int, said: bytes) -> bytes | None:
    """Say something, hang up, and return all that is answered; None if there is no end of it."""
    answer = []
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as caller:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                caller.sendall(said)
                caller.shutdown(socket.SHUT_WR)
            while part := caller.recv(2**16):
                answer.append(part)
    except TimeoutError:
        return None
    except OSError:  # refused and closed before all was said
        pass
    return b"".join(answer)


if __name__ == "__main__":
    main()
