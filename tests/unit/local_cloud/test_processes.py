"""Children of the local cloud end with it, and those that have children of their own are told in time."""

import os
import signal
import subprocess
import sys
import time

_PARENT = """
import signal, sys, time
from local_cloud.processes import spawn
child = spawn([sys.executable, "-S", "-c", sys.argv[1], sys.argv[2]], at_our_end=signal.SIGTERM)
print(child.pid, flush=True)
time.sleep(60)
"""
_CHILD = """
import pathlib, signal, sys, time
def told(*_):
    pathlib.Path(sys.argv[1], "told").touch()
    sys.exit()
signal.signal(signal.SIGTERM, told)
pathlib.Path(sys.argv[1], "ready").touch()
time.sleep(60)
"""


def test_a_child_is_sent_the_signal_that_it_asked_for_when_its_parent_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, _CHILD, tmp_path], stdout=subprocess.PIPE
    ) as parent:
        child = int(parent.stdout.readline())
        _wait_for(tmp_path / "ready")
        parent.kill()

    try:
        _wait_for(tmp_path / "told")
    finally:
        if os.path.exists(f"/proc/{child}"):  # noqa: PTH110
            os.kill(child, signal.SIGKILL)


def _wait_for(path):
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, path.name
        time.sleep(0.02)
