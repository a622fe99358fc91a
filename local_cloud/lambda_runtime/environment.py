"""One Lambda execution environment: AWS's own runtime client in a process, fed by a runtime API."""

from __future__ import annotations

import fcntl
import json
import os
import queue
import re
import select
import sys
import termios
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cloud.lambda_runtime.runtime_api import Answer, Invocation, RuntimeApi
from local_cloud.processes import end, spawn

_INIT_S = 30
_POLL_S = 0.05
_SETTLE_S = 2.0  # of a process that goes on writing
_CHUNK = 65536
_LARGEST_ANSWER = 6_291_556
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_TRACE = "Root=1-00000000-000000000000000000000000;Sampled=0"


@dataclass(frozen=True)
class Outcome:
    """How one invocation ended.

    Parameters
    ----------
    payload : bytes
        The response, or AWS's error object with ``errorType`` and ``errorMessage``.
    failed : bool
        Whether it is an error.
    log : str
        What the function wrote meanwhile.
    duration_s : float
        How long the handler took.
    peak_mb : int
        The most memory that the environment has had so far.
    init_log : str
        What it wrote before its first invocation; empty at later ones.
    init_s : float
        How long it took to get ready for its first invocation; 0 at later ones.
    """

    payload: bytes
    failed: bool
    log: str
    duration_s: float
    peak_mb: int
    init_log: str = ""
    init_s: float = 0.0


@dataclass(frozen=True)
class FunctionCode:
    """What an environment is made of.

    Parameters
    ----------
    folder : Path
        The unpacked bundle, as ``/var/task``.
    handler : str
        ``module.function``.
    search_path : sequence of Path
        Folders to import from besides the bundle: layers, then the runtime's own packages.
    memory_mb, timeout_s : int
        Limits; a process that grows beyond its memory is killed.
    """

    folder: Path
    handler: str
    search_path: tuple[Path, ...]
    memory_mb: int
    timeout_s: float


class ExecutionEnvironment:
    """Runs one invocation at a time; dead after a timeout, a crash or too much memory, as on AWS."""

    def __init__(self, code: FunctionCode, variables: Mapping[str, str]) -> None:
        self._code = code
        self._api = RuntimeApi()
        self._log: list[bytes] = []
        self._reading = threading.Lock()
        self._peak_mb = 0
        started = time.monotonic()
        self.process = spawn(
            # -S hides site-packages: the function imports what its bundle, layers and runtime hold, as on AWS.
            [sys.executable, "-S", "-m", "awslambdaric", code.handler],
            cwd=code.folder,
            env=self._process_environment(variables),
            stdout=-1,
            stderr=-2,
        )
        assert self.process.stdout is not None
        self._pipe = self.process.stdout.fileno()
        threading.Thread(target=self._collect_log, daemon=True).start()
        self._await_init()
        self._settle_log()
        self._init = self._drain_log(), time.monotonic() - started

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""
        return self.process.poll() is None and self._api.init_error is None

    def invoke(
        self, request_id: str, function_arn: str, payload: bytes, trace_id: str | None = None
    ) -> Outcome:
        """Run the handler on `payload` and wait for its answer, its end or its timeout."""
        started = time.monotonic()
        deadline_ms = int((time.time() + self._code.timeout_s) * 1000)
        self._api.inbox.put(Invocation(request_id, function_arn, payload, deadline_ms, trace_id or _TRACE))
        answer = _limited(self._wait(request_id, started + self._code.timeout_s))
        duration_s = time.monotonic() - started
        self._note_peak()
        self._settle_log()
        (init_log, init_s), self._init = self._init, ("", 0.0)
        log = self._drain_log()
        return Outcome(answer.payload, answer.failed, log, duration_s, self._peak_mb, init_log, init_s)

    def stop(self) -> None:
        """End the process."""
        end(self.process)
        self._api.close()

    def _process_environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        paths = [self._code.folder, *self._code.search_path]
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            **variables,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "_HANDLER": self._code.handler,
            "LAMBDA_TASK_ROOT": str(self._code.folder),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
        }

    def _collect_log(self) -> None:
        waiting = select.poll()
        waiting.register(self._pipe, select.POLLIN)
        while waiting.poll():
            with self._reading:
                chunk = os.read(self._pipe, _CHUNK)
                self._log.append(chunk)
            if not chunk:
                return

    def _await_init(self) -> None:
        deadline = time.monotonic() + _INIT_S
        while not self._api.ready.wait(0.02):
            if self.process.poll() is not None or time.monotonic() > deadline:
                return

    def _wait(self, request_id: str, deadline: float) -> Answer:
        while True:
            try:
                answer = self._api.outbox.get(timeout=_POLL_S)
            except queue.Empty:
                if verdict := self._verdict(request_id, deadline):
                    return verdict
                continue
            if answer.request_id == request_id:
                return answer

    def _verdict(self, request_id: str, deadline: float) -> Answer | None:
        """Return the answer that Lambda gives in place of a process that cannot, or None to wait on."""
        if self.process.poll() is not None:
            if not self._api.outbox.empty():
                return None
            if self._api.init_error:
                return Answer(request_id, self._api.init_error, failed=True)
            return _error(
                request_id,
                "Runtime.ExitError",
                f"Runtime exited with error: exit status {self.process.returncode}",
            )
        self._note_peak()
        if self._resident_mb() > self._code.memory_mb:
            end(self.process)
            return _error(request_id, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
        if time.monotonic() > deadline:
            end(self.process)
            return _error(
                request_id, "Sandbox.Timedout", f"Task timed out after {self._code.timeout_s:.2f} seconds"
            )
        return None

    def _resident_mb(self) -> float:
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return 0.0
        return pages * _PAGE_BYTES / 2**20

    def _note_peak(self) -> None:
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return
        if peak := _PEAK.search(status):  # a process that has ended has none
            self._peak_mb = round(int(peak[1]) / 1024)

    def _drain_log(self) -> str:
        with self._reading:
            log, self._log = self._log, []
        return b"".join(log).decode(errors="replace")

    def _settle_log(self) -> None:
        """Wait until the pipe is empty: what a call has written was in it before its answer."""
        deadline = time.monotonic() + _SETTLE_S
        while self._unread() and time.monotonic() < deadline:
            time.sleep(0.001)

    def _unread(self) -> int:
        """Return how many bytes wait in the pipe; while nobody reads, all others are in the log."""
        with self._reading:
            return int.from_bytes(fcntl.ioctl(self._pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def _limited(answer: Answer) -> Answer:
    if len(answer.payload) <= _LARGEST_ANSWER:
        return answer
    message = f"Response payload size exceeded maximum allowed payload size ({_LARGEST_ANSWER} bytes)."
    body = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
    return Answer(answer.request_id, json.dumps(body).encode(), failed=True)


def _error(request_id: str, kind: str, message: str) -> Answer:
    body = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    return Answer(request_id, json.dumps(body).encode(), failed=True)
