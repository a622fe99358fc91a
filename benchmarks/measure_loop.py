"""How long each step of the loop takes on this machine, on a local cloud of its own: `make bench`."""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from demo.__main__ import start_afresh
from demo.screen import Screen
from demo.story import Story
from local_cloud.launcher import LocalCloud
from local_cloud.settings import Settings

_STEPS = {
    "start the local cloud": "start_s",
    "cdk bootstrap": "bootstrap_s",
    "cdk deploy": "deploy_s",
    "clean, snapshot, train": "first_model_s",
    "retrain, compare": "retrained_model_s",
}
"""Steps of the demo by how they begin, and what their seconds are called."""


class Stopwatch(Screen):
    """Shows the story as the demo does, and keeps how long its steps took."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Show a step and keep its seconds."""
        started = time.monotonic()
        with super().step(doing):
            yield
        for beginning, name in _STEPS.items():
            if doing.startswith(beginning):
                self.seconds[name] = round(time.monotonic() - started, 2)


def main() -> int:
    """Tell the story on an empty local cloud; print the seconds of its steps as JSON."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as state:
        os.environ |= {"HEADRACE_PORT": str(free_port()), "HEADRACE_STATE": state}
        screen, started = Stopwatch(), time.monotonic()
        try:
            figures = Story(start_afresh(screen, reset=True), screen).tell()
        finally:
            LocalCloud(Settings.from_environ(os.environ)).stop()
    total = round(time.monotonic() - started, 2)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps({**screen.seconds, "total_s": total, "retrainings": figures.retrainings, **machine}))
    return 0


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
