import os

import pytest

from sagemaker_jobs.serve_model.capture_log import MOST_WAITING_BYTES, CaptureLog


class Loop:
    """An event loop that does what it is asked when it is told to."""

    def __init__(self):
        self.calls = []

    def call_soon(self, call):
        self.calls.append(call)

    def call_later(self, _, call):
        self.calls.append(call)

    def turn(self):
        calls, self.calls = self.calls, []
        for call in calls:
            call()


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def read_all(file):
    try:
        return os.read(file, 2**24)
    except BlockingIOError:
        return b""


def test_lines_go_out_together_once_the_loop_comes_to_it(pipe):
    loop = Loop()
    log = CaptureLog(loop, pipe[1])
    log.add_lines([b"one", b"two"])
    log.add_lines([b"three"])

    assert read_all(pipe[0]) == b""
    assert len(loop.calls) == 1
    loop.turn()
    assert read_all(pipe[0]) == b"one\ntwo\nthree\n"
    assert loop.calls == []


def test_a_log_that_is_full_is_waited_for_and_nothing_else_is(pipe, capsys):
    loop = Loop()
    log = CaptureLog(loop, pipe[1])
    line = b"x" * 99_999
    log.add_lines([line] * 100)

    out = b""
    while loop.calls:
        loop.turn()
        out += read_all(pipe[0])

    assert out == (line + b"\n") * (MOST_WAITING_BYTES // len(line))
    assert capsys.readouterr().err.startswith("17 captured requests were dropped")
    log.add_lines([b"after"])
    loop.turn()
    assert read_all(pipe[0]) == b"after\n"


def test_a_log_that_is_gone_ends_nothing(capsys):
    reading, writing = os.pipe()
    os.close(reading)
    loop = Loop()
    log = CaptureLog(loop, writing)
    log.add_lines([b"one"])
    loop.turn()
    os.close(writing)

    assert loop.calls == []
    assert "captured requests are lost" in capsys.readouterr().err


def test_what_waits_at_the_end_is_written(pipe):
    log = CaptureLog(Loop(), pipe[1])
    log.add_lines([b"last"])
    log.close(1.0)

    assert read_all(pipe[0]) == b"last\n"
