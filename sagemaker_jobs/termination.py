"""What a job does when SageMaker asks it to end: at a spot interruption, or because somebody stops it.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image", on StopTrainingJob: SIGTERM, and SIGKILL 120
   seconds later; and on exit codes: all but 0 say that there is no model.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_EXIT_CODE = 128 + signal.SIGTERM


class Terminated(SystemExit):
    """SageMaker has asked the job to end. Whoever keeps progress writes it down and raises this again."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` where the job is at work when SIGTERM comes, so that it ends at once with 143, the shell's code for it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # which no signal reaches
        return
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not disturb what is being written down
    raise Terminated(_EXIT_CODE)
