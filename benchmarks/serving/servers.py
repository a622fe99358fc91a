"""The servers under test: started as they are in production, with as many processes each, and ended again."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.load import Figures, load

WORKERS = 2
_PATIENCE_S = 60.0
_DRAINED_S = 10.0
_PORT = "{port}"
_CALLERS = 32
"""So many reach every process of a server, in all likelihood."""


@dataclass
class Server:
    """A running server.

    Parameters
    ----------
    name : str
        What it is called in the table.
    port : int
        On the loopback.
    process : Popen
        Of the server; its workers are its children.
    log : Popen or None
        ``wc -l`` at the end of the server's standard output, where captured requests go.
    asked : int
        Requests so far.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: subprocess.Popen[bytes] | None = None
    asked: int = 0

    def load(self, bodies: Sequence[bytes], content_type: str, **limits: Any) -> Figures:
        """Load it, as `load` does."""
        figures = load(self.port, bodies, content_type, **limits)
        self.asked += len(bodies) + figures.requests
        return figures

    def captured(self) -> float:
        """Return the share of its requests that it has captured, once it has ended."""
        assert self.log is not None
        return int(self.log.communicate()[0]) / self.asked

    def memory_mb(self) -> float:
        """Return the memory of all its processes, in MB; what they share is counted once."""
        pids = [self.process.pid, *_descendants(self.process.pid)]
        return sum(_proportional_kb(pid) for pid in pids) / 1024


@contextmanager
def ours(model: Path) -> Iterator[Server]:
    """Serve our model as the container does, with every request captured."""
    with _running("headrace", *our_command(model), counts=True) as server:
        yield server


@contextmanager
def rival(model: Path) -> Iterator[Server]:
    """Serve the rival's model by FastAPI; one thread in each process, as ours, for more only wait for each other."""
    environ = {"RIVAL_MODEL": str(model), "OMP_NUM_THREADS": "1"}
    with _running("FastAPI + scikit-learn", _uvicorn("benchmarks.serving.rival:app"), environ) as server:
        yield server


@contextmanager
def limit(model: Path) -> Iterator[Server]:
    """Serve our graph with nothing around it."""
    graph = {"LIMIT_MODEL": str(model / "model.onnx")}
    with _running("limit: bare ASGI + ONNX", _uvicorn("benchmarks.serving.limit:app"), graph) as server:
        yield server


def our_command(model: Path) -> tuple[list[str], dict[str, str]]:
    """Return how the container of `model` is started, without its port."""
    environ = {
        "SAGEMAKER_BASE_DIR": str(model.parent),
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(WORKERS),
        "HEADRACE_BIND_TO_HOST": "127.0.0.1",
        "HEADRACE_CAPTURE": "log",
        "HEADRACE_MODEL_VERSION": "v1",
    }
    return [sys.executable, "-m", "sagemaker_jobs", "serve"], environ


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def seconds_to_first_answer(model: Path, body: bytes) -> float:
    """Start our container, and return how long it takes until a prediction is out, in seconds."""
    command, environ = our_command(model)
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environ, "SAGEMAKER_BIND_TO_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(port, "POST", "/invocations", body):
            if time.perf_counter() - began > _PATIENCE_S:
                raise SystemExit("the server does not start")
            time.sleep(0.002)
        return time.perf_counter() - began
    finally:
        _end(process)


@contextmanager
def _running(
    name: str, command: Sequence[str], environ: Mapping[str, str], *, counts: bool = False
) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        [str(port) if part == _PORT else part for part in command],
        env={**os.environ, **environ, "SAGEMAKER_BIND_TO_PORT": str(port)},
        stdout=subprocess.PIPE if counts else subprocess.DEVNULL,
        start_new_session=True,
    )
    log = None
    if counts:
        log = subprocess.Popen(["wc", "-l"], stdin=process.stdout, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.close()
    try:
        _await(port, process)
        yield Server(name, port, process, log)
    finally:
        _end(process)


def _uvicorn(app: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.serving.uvicorns", app, _PORT, str(WORKERS)]


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not all(_answers(port, "GET", "/ping", None) for _ in range(_CALLERS)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{' '.join(map(str, process.args))} does not start")  # type: ignore[arg-type]
        time.sleep(0.05)


def _answers(port: int, method: str, path: str, body: bytes | None) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"content-type": "text/csv"})
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return False
    finally:
        connection.close()
    return answer.status == http.client.OK


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_DRAINED_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _descendants(pid: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return children + [deeper for child in children for deeper in _descendants(child)]


def _proportional_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
