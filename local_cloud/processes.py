"""Starts child processes that cannot outlive the local cloud."""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class _Spawner:
    """Starts all children from one thread that lives as long as the process.

    Linux sends the parent-death signal when the *thread* that forked ends, so a pool's thread must not fork.
    """

    def __init__(self) -> None:
        self._orders: queue.Queue[Callable[[], None]] = queue.Queue()
        threading.Thread(target=self._run, name="spawner", daemon=True).start()

    def spawn(self, command: list[str], at_our_end: int, **options: Any) -> subprocess.Popen[bytes]:
        """Start `command`; errors of `subprocess.Popen` are raised here."""
        answer: queue.Queue[subprocess.Popen[bytes] | Exception] = queue.Queue()

        def die() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, at_our_end)

        def order() -> None:
            try:
                answer.put(
                    subprocess.Popen(command, start_new_session=True, preexec_fn=die, **options)  # noqa: PLW1509 - a single-threaded child calls one C function
                )
            except Exception as error:
                answer.put(error)

        self._orders.put(order)
        process = answer.get()
        if isinstance(process, Exception):
            raise process
        return process

    def _run(self) -> None:
        while True:
            self._orders.get()()


_spawner: _Spawner | None = None
_lock = threading.Lock()


def spawn(command: list[str], *, at_our_end: int = signal.SIGKILL, **options: Any) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it is sent `at_our_end` when this process ends, however that happens.

    Takes the options of `subprocess.Popen`.
    """
    global _spawner  # noqa: PLW0603 - one thread per process, started at first use
    with _lock:
        _spawner = _spawner or _Spawner()
    return _spawner.spawn(command, at_our_end, **options)


def end(process: subprocess.Popen[bytes], *, grace_s: float = 0.0) -> None:
    """Ask the process and its children to end, then make them."""
    if grace_s:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
