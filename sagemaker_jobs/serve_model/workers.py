"""Several serving processes on one port: started by one that does nothing else, which replaces those that die."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.machine import LIBRARIES

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_QUICK_DEATH_S = 5.0
_MOST_QUICK_DEATHS = 5
_PAUSE_S = 0.2
_COPIES = 3


def usable_workers(processors: int, memory: int, model: int) -> int:
    """Return how many processes to serve with.

    Parameters
    ----------
    processors : int
        That may be used. One for each process: a model is asked on one thread.
    memory : int
        Bytes that may be used.
    model : int
        Bytes of the model's files, each process having a model of its own.

    Returns
    -------
    int
        At least 1. Libraries take up to 300 MB of a process (scikit-learn's do), and a model in memory has been up to
        three times its files.

    Examples
    --------
    >>> usable_workers(4, 8 * 2**30, 2**20), usable_workers(4, 2**30, 2**20), usable_workers(2, 2**28, 2**20)
    (4, 3, 1)
    """
    return max(1, min(processors, memory // (LIBRARIES + _COPIES * model)))


@dataclass
class Crew:
    """The processes that serve.

    Parameters
    ----------
    started : dict of int to float
        When each was started, by its id, in seconds of the monotonic clock.
    """

    started: dict[int, float] = field(default_factory=dict)
    stopping: bool = False
    quick_deaths: int = 0

    def stop(self, *_: object) -> None:
        """Ask all of them to end."""
        self.stopping = True
        for pid in self.started:
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(pid, signal.SIGTERM)

    def is_copy(self) -> bool:
        """Copy this process, unless it is to end; True in the copy."""
        # A signal between the copy and the note of it would miss the copy, or be handled in it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = -1 if self.stopping else os.fork()
            if pid == 0:
                for number in _SIGNALS:
                    signal.signal(number, signal.SIG_DFL)
            elif pid > 0:
                self.started[pid] = time.monotonic()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return pid == 0

    def judge(self, code: int, lived: float) -> None:
        """Wait a moment before a process that died is replaced, or end all if there is no sense in that.

        Raises
        ------
        JobError
            If it has said that it cannot serve, or was one of several that died as soon as they were started.
        """
        self.quick_deaths = self.quick_deaths + 1 if lived < _QUICK_DEATH_S else 0
        if code == 1 or self.quick_deaths >= _MOST_QUICK_DEATHS:
            self.stop()
            for pid in self.started:
                os.waitpid(pid, 0)
            raise JobError("a serving process cannot serve: what it wrote to the log says why")
        time.sleep(_PAUSE_S)


def in_worker(count: int) -> bool:
    """Start `count` copies of this process, and see to it that there are as many until SIGTERM.

    Returns
    -------
    bool
        True in each copy, which is to serve; False in this process, once all have ended.

    Raises
    ------
    JobError
        In this process: if one cannot serve and says so, or if they die as soon as they are started.
    """
    crew = Crew()
    for number in _SIGNALS:
        signal.signal(number, crew.stop)
    for _ in range(count):
        if crew.is_copy():
            return True
    while crew.started:
        pid, status = os.wait()
        lived = time.monotonic() - crew.started.pop(pid)
        if crew.stopping:
            continue
        crew.judge(os.waitstatus_to_exitcode(status), lived)
        if crew.is_copy():
            return True
    return False
