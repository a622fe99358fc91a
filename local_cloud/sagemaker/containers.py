"""Runs one container's process and follows what it prints."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local_cloud.processes import end, spawn

_FLUSH_S = 0.25
_STOP_GRACE_S = 10.0


class Container:
    """A running process; its output goes, in batches, to `write`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        write: Callable[[list[str]], None],
    ) -> None:
        self._write = write
        self._process = spawn(
            list(command), cwd=cwd, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.lines: list[str] = []
        self.stopped = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._shipper = threading.Thread(target=self._ship, daemon=True)
        self._reader.start()
        self._shipper.start()

    @property
    def exit_code(self) -> int | None:
        """Exit code, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; return whether it came by itself within `timeout_s`."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(5)
        self._shipper.join(5)
        return True

    def stop(self, grace_s: float = _STOP_GRACE_S) -> None:
        """Ask it to end, then make it."""
        self.stopped = self.stopped or self.exit_code is None
        end(self._process, grace_s=grace_s)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip("\n"))

    def _ship(self) -> None:
        sent = 0
        while True:
            ended = not self._reader.is_alive()
            if len(self.lines) > sent:
                batch = self.lines[sent:]
                sent += len(batch)
                self._write(batch)
            elif ended:
                return
            if not ended:
                self._reader.join(_FLUSH_S)


def cpu_count() -> int:
    """Return the processors a container may use."""
    return len(os.sched_getaffinity(0))


def stream_suffix() -> str:
    """Return what SageMaker appends to a job's log stream: its start in seconds."""
    return str(int(time.time()))
