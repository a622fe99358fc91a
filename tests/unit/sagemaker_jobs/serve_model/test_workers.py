import os
import signal

import pytest

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.serve_model import workers


@pytest.fixture
def crew(monkeypatch):
    """A crew without processes: what is done to them is noted."""
    monkeypatch.setattr(workers.time, "sleep", lambda _: None)
    killed = []
    monkeypatch.setattr(workers.os, "kill", lambda pid, number: killed.append((pid, number)))
    monkeypatch.setattr(workers.os, "waitpid", lambda pid, _: (pid, 0))
    crew = workers.Crew({11: 0.0, 12: 0.0})
    crew.killed = killed
    return crew


def test_one_that_cannot_serve_ends_all(crew):
    with pytest.raises(JobError, match="cannot serve"):
        crew.judge(1, lived=60.0)

    assert crew.killed == [(11, signal.SIGTERM), (12, signal.SIGTERM)]


def test_one_that_dies_now_and_then_is_replaced(crew):
    for _ in range(20):
        crew.judge(-signal.SIGKILL, lived=1.0)
        crew.judge(-signal.SIGSEGV, lived=60.0)

    assert crew.killed == []


def test_ones_that_die_as_soon_as_they_start_end_all(crew):
    for _ in range(4):
        crew.judge(-signal.SIGSEGV, lived=0.1)

    with pytest.raises(JobError):
        crew.judge(-signal.SIGSEGV, lived=0.1)


def test_nothing_is_started_once_the_end_has_come(crew, monkeypatch):
    monkeypatch.setattr(workers.os, "fork", lambda: pytest.fail("started"))
    crew.stop()

    assert crew.is_copy() is False
    assert os.getpid() not in crew.started
