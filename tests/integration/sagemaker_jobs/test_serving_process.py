"""The serving container as processes: `serve`, as SageMaker starts it, and how it ends."""

import contextlib
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows
from tests.integration.sagemaker_jobs.serving_container import BODY, PATIENCE_S, Container


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    job = OptMl(tmp_path_factory.mktemp("regression"), estimator="linear")
    assert job.train(rows(400), rows(250, 1)) == 0
    return job


@pytest.fixture
def start(job):
    containers = []

    def start(**environ):
        containers.append(Container(job, **environ))
        return containers[-1]

    yield start
    for container in containers:
        container.process.kill()
        container.process.wait()


def sockets_of(pid):
    """Return how many sockets a process has open."""
    return sum("socket" in str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir())


def test_it_serves_until_it_is_told_to_end_and_finishes_what_has_begun(start, job):
    container = start(SAGEMAKER_MODEL_SERVER_WORKERS="1").await_ping()
    sample = job.document("sample.json")

    status, answer = container.ask(body=sample["csv"])
    with socket.create_connection(("127.0.0.1", container.port)) as caller:
        caller.sendall(
            b"POST /invocations HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY[:10].encode()
        )
        container.process.send_signal(signal.SIGTERM)
        container.await_closed_door()
        caller.sendall(BODY[10:].encode())
        last = caller.makefile("rb").read()

    assert (status, float(answer)) == (200, sample["prediction"]["score"])
    assert last.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in last
    assert container.process.wait(PATIENCE_S) == 0
    captured = [json.loads(line) for line in container.log.read_text().splitlines()]
    assert [line["captureData"]["endpointInput"]["data"] for line in captured] == [sample["csv"], BODY]


def test_callers_are_dealt_to_all_workers_and_one_that_dies_is_replaced(start):
    container = start(SAGEMAKER_MODEL_SERVER_WORKERS="2").await_ping()
    container.await_workers(2)
    first = container.workers()
    before = {pid: sockets_of(pid) for pid in first}
    with contextlib.ExitStack() as callers:
        for _ in range(32):  # all with one of two by chance: once in two thousand million times
            callers.enter_context(socket.create_connection(("127.0.0.1", container.port)))
        assert container.ask()[0] == 200
        container.await_that(lambda: all(sockets_of(pid) > before[pid] for pid in first))
    os.kill(min(first), signal.SIGKILL)
    container.await_workers(2, without=min(first))

    assert len(container.workers() - first) == 1
    assert container.ask()[0] == 200
    assert container.end() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_model_that_cannot_be_loaded_ends_the_container_with_a_sentence(start, tmp_path, workers):
    (tmp_path / "manifest.json").write_text("{}")

    container = start(SM_MODEL_DIR=str(tmp_path), SAGEMAKER_MODEL_SERVER_WORKERS=workers)

    assert container.process.wait(PATIENCE_S) == 1
    assert "the model's manifest does not list model.skops" in container.log.read_text()


def test_a_port_that_is_taken_ends_the_container_with_a_sentence(start):
    with socket.create_server(("127.0.0.1", 0)) as other:
        container = start(SAGEMAKER_BIND_TO_PORT=str(other.getsockname()[1]))

        assert container.process.wait(PATIENCE_S) == 1
    assert "cannot listen on port" in container.log.read_text()
