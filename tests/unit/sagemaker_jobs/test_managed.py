import json

import flask
import numpy as np
import pytest

from headrace.ml.contract import ColumnSchema
from sagemaker_jobs.managed import training
from sagemaker_jobs.managed.serving import transform_fn
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings


class Sum:
    """Answers with the sum of a row."""

    schema = (ColumnSchema("temp", "number"), ColumnSchema("hr", "number"))
    classes = ()
    steps = ()
    threshold = None

    def predict(self, columns):
        return np.nansum([columns["temp"], columns["hr"]], axis=0)


@pytest.fixture
def ask():
    """Ask a model as AWS's container does; return the response and what was logged."""

    def ask(body, content_type="text/csv", **headers):
        lines = []
        model = Application(Sum(), Settings(model_version="v3", capture_share=1.0), lines.append)
        context = flask.Flask("container").test_request_context(
            "/invocations", method="POST", data=body, content_type=content_type, headers=headers
        )
        with context:
            return transform_fn(model, body, content_type, "application/json"), lines

    return ask


def test_what_the_caller_accepts_counts_and_not_the_containers_default(ask):
    answer, _ = ask("temp,hr\n5,3\n")

    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/csv", b"8.0\n")
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "model_version=v3"


def test_an_unreadable_request_is_refused_with_a_status_and_a_reason(ask):
    answer, lines = ask("temp\n5\n")

    assert answer.status_code == 400
    assert "no column 'hr'" in answer.json["error"]
    assert lines == []


def test_a_request_is_captured_with_its_inference_id(ask):
    _, (line,) = ask(b"temp,hr\n5,3\n", **{"X-Amzn-SageMaker-Inference-Id": "ride-7"})

    record = json.loads(line)
    assert record["eventMetadata"]["inferenceId"] == "ride-7"
    assert record["captureData"]["endpointOutput"]["data"] == "8.0\n"


@pytest.mark.parametrize(("exit_code", "there"), [(0, True), (1, False)])
def test_the_code_is_added_to_a_model_that_could_be_trained(tmp_path, monkeypatch, exit_code, there):
    code = tmp_path / "code"
    (code / "sagemaker_jobs" / "__pycache__").mkdir(parents=True)
    (code / "script.py").write_text("")
    monkeypatch.setattr(training, "run", lambda arguments, environ: exit_code)

    done = training.train({"SAGEMAKER_BASE_DIR": str(tmp_path / "ml")}, code)

    copy = tmp_path / "ml" / "model" / "code"
    assert done == exit_code
    assert (copy / "script.py").exists() == there
    assert not (copy / "sagemaker_jobs" / "__pycache__").exists()
