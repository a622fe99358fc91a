"""Runs several uvicorn processes with a socket each, among which the kernel deals the callers.

Of the one socket that uvicorn's own workers share, the process that is quickest to wake takes most callers, if not all.
"""

from __future__ import annotations

import multiprocessing
import signal
import socket
import sys
from types import FrameType

import uvicorn


def main() -> None:
    """Serve an application, named as uvicorn does, on a port by a number of processes until SIGTERM."""
    app, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    processes = [multiprocessing.Process(target=_serve, args=(app, port)) for _ in range(count)]

    def end(signal_number: int, frame: FrameType | None) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _serve(app: str, port: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(("127.0.0.1", port))
    own.listen(1024)  # callers wait until the application is loaded
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([own])


if __name__ == "__main__":
    main()
