"""Trainings in a real MLflow server, as MLflow's own client sees them; and servers that are not there, or too slow."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from datetime import UTC, datetime

import pytest

from headrace.aws.mlflow_server import MlflowServer
from lambdas.track_run.handler import Ports, track_run
from local_cloud.mlflow_server import forwarded, server_command

NOW = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
_START_S = 180


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with its own database, on the loopback."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            server_command(port, folder),
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # as in the local cloud
            },
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with its workers; nothing in there is to be kept
        process.wait(20)


def client_of(server):
    from mlflow import MlflowClient  # noqa: PLC0415 - takes a second, in every worker that collects this file

    return MlflowClient(tracking_uri=server)


def _wait(url, process, log):
    for _ in range(_START_S * 4):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.25)
    raise AssertionError(log.read_text())


class Documents(dict):
    def load(self, key):
        return json.loads(self[key]) if key in self else None

    def read(self, key):
        return self.get(key)


def ports(address, run="run-1", pipeline="bike", **server):
    provenance = {
        "training": {
            "estimator": "linear",
            "seed": 7,
            "hyperparameters": {"alpha": 0.5, "fit_intercept": True},
        },
        "metrics": {"rmse": 42.0, "mae": 30.0},
        "code": {"commit": "ab" * 20, "dirty": False, "locks": {"sagemaker_jobs/requirements.txt": "10"}},
        "data": {"content_hash": "c0ffee", "objects": [{"uri": "s3://b/x"}] * 500, "objects_sha256": "20"},
        "model": {"object": {"uri": "s3://artifacts/training/run-1-0/output/model.tar.gz"}},
        "parent": None,
        "reason": {"reason": "drift", "about": "temp"},
    }
    documents = Documents(
        {
            f"evaluations/{run}/provenance.json": json.dumps(provenance).encode(),
            f"evaluations/{run}/evaluation.json": b'{"train": {"rmse": 40.0}}',
            f"evaluations/{run}/report.html": b"<html>",
        }
    )
    return Ports(pipeline, "artifacts", documents, MlflowServer(address, **server))


def event(run="run-1", **detail):
    said = {
        "run": run,
        "outcome": "registered",
        "why": "better",
        "reason": "drift",
        "started_at": "2026-01-31T12:00:00+00:00",
    }
    return {
        "detail": {
            **said,
            "model_package_arn": "arn:aws:sagemaker:r:1:model-package/headrace-bike/3",
            **detail,
        }
    }


def runs(server, pipeline="bike"):
    client = client_of(server)
    experiment = client.get_experiment_by_name(f"headrace-{pipeline}")
    return client.search_runs([experiment.experiment_id])


def test_mlflows_own_client_finds_the_run_with_all_that_is_known_of_it(server, tmp_path):
    answer = track_run(event(), ports(server), NOW)

    (run,) = runs(server)
    assert answer == {"tracked": True, "run_id": run.info.run_id}
    assert (run.info.run_name, run.info.status) == ("run-1", "FINISHED")
    assert run.info.end_time - run.info.start_time == 5 * 60 * 1000
    assert run.data.params == {"estimator": "linear", "seed": "7", "alpha": "0.5", "fit_intercept": "true"}
    assert run.data.metrics == {"rmse": 42.0, "mae": 30.0, "train_rmse": 40.0}
    tags = run.data.tags
    assert tags["mlflow.source.git.commit"] == "ab" * 20
    assert (tags["headrace.data.content_hash"], tags["headrace.data.objects_sha256"]) == ("c0ffee", "20")
    assert tags["headrace.provenance"] == "s3://artifacts/evaluations/run-1/provenance.json"
    assert tags["headrace.reason.about"] == "temp"
    client = client_of(server)
    assert {item.path for item in client.list_artifacts(run.info.run_id)} == {
        "report.html",
        "evaluation.json",
        "provenance.json",
    }
    (version,) = client.search_model_versions("name = 'headrace-bike'")
    assert (version.source, version.run_id) == (
        "s3://artifacts/training/run-1-0/output/model.tar.gz",
        run.info.run_id,
    )
    assert version.description.startswith("v3 of arn:")


def test_an_experiment_of_a_tracking_server_keeps_its_artefacts_in_a_bucket(server):
    port, experiments = int(server.rpartition(":")[2]), "/api/2.0/mlflow/experiments"

    status, _ = forwarded(port, "POST", f"{experiments}/create", b'{"name": "a b"}', {})
    found, body = forwarded(port, "GET", f"{experiments}/get-by-name", b"", {"experiment_name": ["a b"]})
    missing, _ = forwarded(port, "GET", f"{experiments}/get-by-name", b"", {"experiment_name": ["c"]})

    assert (status, found, missing) == (200, 200, 404)
    assert json.loads(body)["experiment"]["artifact_location"].startswith("s3://")


def test_an_event_that_comes_twice_is_one_run_and_one_version(server):
    first = track_run(event("run-2"), ports(server, "run-2", "twice"), NOW)
    again = track_run(event("run-2"), ports(server, "run-2", "twice"), NOW)

    assert first == again
    assert len(runs(server, "twice")) == 1
    assert len(client_of(server).search_model_versions("name = 'headrace-twice'")) == 1


def test_a_training_that_failed_before_its_evaluation_is_a_failed_run_with_the_reason(server):
    here = ports(server, "other", "failing")

    track_run(event("run-3", outcome="failed", why="no rows", model_package_arn=""), here, NOW)

    (run,) = runs(server, "failing")
    assert (run.info.status, run.data.tags["headrace.why"]) == ("FAILED", "no rows")
    assert client_of(server).search_model_versions("name = 'headrace-failing'") == []


def test_a_server_that_is_not_there_costs_nothing_but_a_line_in_the_log():
    answer = track_run(event(), ports(f"http://127.0.0.1:{free_port()}"), NOW)

    assert answer == {"tracked": False, "why": "the server cannot be reached: ConnectionRefusedError"}


def test_a_server_that_does_not_answer_is_left_alone_after_a_while():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"

        answer = track_run(event(), ports(address, timeout_s=0.2), NOW)

    assert answer == {"tracked": False, "why": "the server cannot be reached: TimeoutError"}


def test_a_training_without_a_name_is_not_written_down():
    assert not track_run(event(None), ports("http://127.0.0.1:1"), NOW)["tracked"]
