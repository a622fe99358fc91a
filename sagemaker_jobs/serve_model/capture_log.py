"""Writes captured exchanges to the container's log: after the answer, several at once, and never waiting for the log.

What the log does not take in time waits, up to a few megabytes; what does not fit is dropped, and how much of it is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import stat
import sys
import time
from collections.abc import Iterable

from sagemaker_jobs.serve_model.app import lines_of
from sagemaker_jobs.serve_model.capture import Exchange

MOST_WAITING_BYTES = 8 * 2**20
_AT_ONCE = 64 * 1024
_WIDE = 2**20
_PATIENCE_S = 0.002


class CaptureLog:
    """The lines of one process.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Calls back.
    file : int
        Descriptor of the log, as `log_file` returns it.
    turn : int or None
        Descriptor of a file that processes lock in turn, so that their lines do not mix; None for a process alone.

    Attributes
    ----------
    dropped : int
        Lines that did not fit and have not been told of yet.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, file: int, turn: int | None = None) -> None:
        self._loop, self._file, self._turn = loop, file, turn
        self._exchanges: list[Exchange] = []
        self._waiting = bytearray()
        self._scheduled = self._has_turn = False
        self.dropped = 0

    def add(self, exchange: Exchange) -> None:
        """Log an exchange, once what is being done now is done."""
        self._exchanges.append(exchange)
        self._schedule()

    def add_lines(self, lines: Iterable[bytes]) -> None:
        """Log lines."""
        self._keep(lines)
        self._schedule()

    def close(self, patience_s: float) -> None:
        """Write what waits, as long as the log takes it: the loop has ended."""
        deadline = time.monotonic() + patience_s
        self._collect()
        while not self._write() and time.monotonic() < deadline:
            select.select([], [self._file], [], _PATIENCE_S)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._collect()
        self._scheduled = not self._write()
        if self._scheduled:
            self._loop.call_later(_PATIENCE_S, self._flush)

    def _collect(self) -> None:
        exchanges, self._exchanges = self._exchanges, []
        for exchange in exchanges:
            self._keep(lines_of(exchange))

    def _keep(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if len(self._waiting) + len(line) < MOST_WAITING_BYTES:
                self._waiting += line
                self._waiting += b"\n"
            else:
                self.dropped += 1

    def _write(self) -> bool:
        """Write what waits, and return whether it is all out."""
        try:
            if self._turn is not None and not self._has_turn:
                fcntl.lockf(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._has_turn = True
            while self._waiting:
                written = os.write(self._file, bytes(self._waiting[:_AT_ONCE]))
                del self._waiting[:written]
        except BlockingIOError:  # the log is full, or it is another's turn
            return False
        except OSError as error:
            self._waiting.clear()
            sys.stderr.write(f"captured requests are lost, because the log cannot be written: {error}\n")
        if self._has_turn and self._turn is not None:
            fcntl.lockf(self._turn, fcntl.LOCK_UN)
            self._has_turn = False
        self._say_what_was_dropped()
        return True

    def _say_what_was_dropped(self) -> None:
        if self.dropped:
            sys.stderr.write(
                f"{self.dropped} captured requests were dropped: the log did not take them in time\n"
            )
            self.dropped = 0


def log_file() -> int:
    """Return a descriptor of standard output that does not make its writer wait.

    A pipe is opened once more, because the mark that says so would count for everyone who writes to standard output.
    """
    output = sys.stdout.fileno()
    if not stat.S_ISFIFO(os.fstat(output).st_mode):
        return output
    try:
        pipe = os.open(f"/dev/fd/{output}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return output
    # Linux alone can widen a pipe, as far as it is allowed.
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _WIDE)
    return pipe
