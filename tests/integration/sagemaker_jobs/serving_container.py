"""The serving container as a process: `serve`, as SageMaker starts it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.sagemaker_jobs.opt_ml import OptMl

BODY = "temp,season,holiday,at\n12.5,spring,false,2011-01-31T10:00:00\n"
PATIENCE_S = 60.0


class Container:
    """A container that serves."""

    def __init__(self, job: OptMl, **environ: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = job.base / f"log-{self.port}"
        settings = {
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "HEADRACE_BIND_TO_HOST": "127.0.0.1",
            "HEADRACE_CAPTURE": "log",
            **environ,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sagemaker_jobs", "serve"],
                env={**os.environ, **job.environ, **settings},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ask(
        self, method: str = "POST", path: str = "/invocations", body: str | None = BODY
    ) -> tuple[int, str]:
        """Return the status of an answer, and its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, {"Content-Type": "text/csv"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def await_ping(self) -> Container:
        """Wait until it is healthy."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("GET", "/ping", None)[0] == http.client.OK:
                    return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def await_closed_door(self) -> None:
        """Wait until nobody new is let in."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                return
            time.sleep(0.01)

    def await_workers(self, count: int, *, without: int = 0) -> None:
        """Wait until so many processes let callers in, and one of them has ended."""
        listens = f":{self.port:04X} 00000000:0000 0A "
        self.await_that(
            lambda: (
                without not in self.workers() and Path("/proc/net/tcp").read_text().count(listens) == count
            )
        )

    def await_that(self, claim: Callable[[], bool]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not claim():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def workers(self) -> set[int]:
        """Return the process ids of those that answer."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}

    def end(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)
