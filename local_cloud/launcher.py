"""Starts, stops and empties the local cloud from outside its process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from local_cloud.settings import Settings

_STATE = ("services", "s3", "images", "cache", "scratch", "mlflow")
_START_S = 30
_STOP_S = 15
_DEATH_S = 5


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked; the text says why and what to do."""


@dataclass(frozen=True)
class Status:
    """What is known of a local cloud.

    Parameters
    ----------
    running : bool
        Whether it answers.
    pid : int or None
        Its process, if it runs.
    endpoint, state_dir : str
        Where it listens, and where its state lies.
    """

    running: bool
    pid: int | None
    endpoint: str
    state_dir: str


class LocalCloud:
    """One local cloud on this machine, identified by its port and its state."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._pid_file = settings.state_dir / "server.pid"
        self.log_file = settings.state_dir / "server.log"

    def status(self) -> Status:
        """Tell whether it runs."""
        pid = self._pid()
        return Status(
            pid is not None and self._answers(), pid, self.settings.endpoint, str(self.settings.state_dir)
        )

    def start(self) -> None:
        """Start it in the background, and return when it answers. Does nothing if it runs already.

        Raises
        ------
        LocalCloudError
            If another program listens on the port, or the process ends at once.
        """
        if self.status().running:
            return
        if self._port_stays_taken():
            raise LocalCloudError(
                f"port {self.settings.port} is taken by another program: stop it, or choose a port, "
                "e.g. HEADRACE_PORT=4599"
            )
        mlflow = self.settings.mlflow_port
        if mlflow is not None and _taken(mlflow):
            raise LocalCloudError(
                f"port {mlflow}, which MLflow is to listen at, is taken by another program: choose another port"
            )
        self.settings.state_dir.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local_cloud"],
                env=self._process_environment(),
                cwd=Path(__file__).parents[1],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file.write_text(str(process.pid))
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if process.poll() is not None:
                raise LocalCloudError(f"the local cloud ended at once; the reason is in {self.log_file}")
            if time.monotonic() > deadline:
                raise LocalCloudError(
                    f"the local cloud does not answer after {_START_S} s; see {self.log_file}"
                )
            time.sleep(0.05)

    def stop(self) -> bool:
        """Stop it; its state is kept. Return whether it ran."""
        pid = self._pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        while self._pid() is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                deadline += _STOP_S
            time.sleep(0.05)
        _reap(pid, wait=True)
        self._pid_file.unlink(missing_ok=True)
        return True

    def reset(self) -> None:
        """Stop it and forget everything it held; what else lies in the state's folder is not touched."""
        self.stop()
        for name in _STATE:
            shutil.rmtree(self.settings.state_dir / name, ignore_errors=True)
        self.log_file.unlink(missing_ok=True)

    def logs(self) -> str:
        """Return what its process has logged."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def environment(self) -> dict[str, str]:
        """Return the variables that lead any AWS client to it."""
        return self.settings.client_environment()

    # --- what is known from outside

    def _process_environment(self) -> dict[str, str]:
        own = self.settings.own_environment()
        # A profile or an endpoint of the user's shell is not for the services in here.
        shell = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = {**shell, **self.settings.server_environment(), **own}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling MiniStack again takes each start 4 s
        return environment

    def _pid(self) -> int | None:
        """Return the id of our process; a recycled id of another program does not count."""
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline")
            _reap(pid)
            if command.parent.parent.exists() and b"local_cloud" not in command.read_bytes():
                return None
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid

    def _answers(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.settings.port}/_ministack/health"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return "services" in json.load(answer)
        except (OSError, ValueError, urllib.error.URLError):
            return False

    def _port_stays_taken(self) -> bool:
        """Tell whether another program has the port; an earlier process of ours may take a moment to die."""
        deadline = time.monotonic() + (_DEATH_S if self._pid_file.exists() else 0)
        while _taken(self.settings.port):
            if time.monotonic() >= deadline:
                return True
            time.sleep(0.05)
        return False


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _reap(pid: int, *, wait: bool = False) -> None:
    """Let go of the process if it is a dead child of ours, which would else look alive."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0 if wait else os.WNOHANG)
