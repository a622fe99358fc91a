"""Has Parquet read by another process: Arrow ends its process over some damaged files instead of raising an error.

An exception that leaves a C++ function which may not raise any, as Arrow 25 does for statistics that contradict each other,
cannot be caught in Python. The other process is started by the first request in Parquet, and again if it has died.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import orjson

from sagemaker_jobs.serve_model.framing import read_frame, write_frame

_PROGRAM = (sys.executable, "-m", "sagemaker_jobs.serve_model.parquet_requests")
_PATIENCE_S = 30.0
DAMAGED = {"refused": "the file is cut or damaged: write it again", "too_large": False}


class ParquetReader:
    """Reads Parquet files, one at a time.

    Parameters
    ----------
    program : sequence of str
        What is run to read them.
    patience_s : float
        How long one may take.
    """

    def __init__(self, program: Sequence[str] = _PROGRAM, patience_s: float = _PATIENCE_S) -> None:
        self._program, self._patience_s = program, patience_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, body: bytes) -> dict[str, Any]:
        """Return what `parquet_requests.read_parquet` does, or that the file is damaged, if it ends the process."""
        with self._lock:
            process = self._running()
            ended = threading.Timer(self._patience_s, process.kill)
            ended.start()
            try:
                answer = _exchanged(process, body)
            finally:
                ended.cancel()
            if answer is None:
                process.kill()
                process.wait()
                return dict(DAMAGED)
            read: dict[str, Any] = orjson.loads(answer)
            return read

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # In a session of its own it outlives a signal to the container, until the last request is answered.
            self._process = subprocess.Popen(
                self._program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        return self._process


def _exchanged(process: subprocess.Popen[bytes], body: bytes) -> bytes | None:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        write_frame(process.stdin, body)
    except OSError:
        return None
    return read_frame(process.stdout)
