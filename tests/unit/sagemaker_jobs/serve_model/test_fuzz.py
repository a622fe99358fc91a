"""A small part of `make fuzz-serving`, always the same, and without a socket."""

import random

import pytest

from benchmarks.fuzzing.wire import conversation
from sagemaker_jobs.serve_model import requests
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.server import Server
from sagemaker_jobs.serve_model.settings import Settings
from tests.unit.sagemaker_jobs.serve_model.callers import Loop, connect
from tests.unit.sagemaker_jobs.serve_model.models import SCHEMA, MatrixSum


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_is_malformed_is_an_error_of_the_server(seed, monkeypatch):
    monkeypatch.setattr(
        requests._PARQUET_READER, "read", lambda body: {"refused": "damaged", "too_large": False}
    )
    server = Server(Application(MatrixSum(), Settings()), None, Loop())
    rng = random.Random(seed)
    statuses = []
    for _ in range(400):
        caller = connect(server)
        caller.say(conversation(rng, SCHEMA)[0])
        caller.connection.eof_received()
        statuses += caller.statuses()
        caller.connection.connection_lost(None)

    assert len(statuses) > 400
    assert max(statuses) < 500
    assert server.hold(256 * 2**20)  # nothing of any of them is held
