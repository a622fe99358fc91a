import http.client
import json

import pytest
from botocore.credentials import Credentials

from headrace.aws.mlflow_server import MlflowServer, TrackingError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/ours"


class Answer:
    def __init__(self, status, content):
        self.status, self._content = status, content

    def read(self):
        return self._content


class Connection:
    """Keeps what is asked, and gives one answer."""

    def __init__(self, status=200, content=b"{}"):
        self.asked, self._answer = [], Answer(status, content)

    def __call__(self, host, port, timeout):
        self.host = host
        return self

    def request(self, method, target, body=None, headers=None):
        self.asked.append((method, target, body, headers))

    def getresponse(self):
        return self._answer

    def close(self):
        pass


class Session:
    def get_credentials(self):
        return Credentials("AKID", "secret", "token")


def test_a_server_of_sagemaker_is_asked_signed_in_its_region_and_by_its_arn(monkeypatch):
    connection = Connection()
    monkeypatch.setattr(http.client, "HTTPSConnection", connection)

    MlflowServer.at(ARN, Session()).post("runs/create", experiment_id="1")

    ((method, target, body, headers),) = connection.asked
    assert connection.host == "eu-west-1.experiments.sagemaker.aws"
    assert (method, target, json.loads(body)) == (
        "POST",
        "/api/2.0/mlflow/runs/create",
        {"experiment_id": "1"},
    )
    assert headers["x-mlflow-sm-tracking-server-arn"] == ARN
    assert "/eu-west-1/sagemaker-mlflow/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "token"


def test_a_server_of_sagemaker_is_asked_where_the_services_of_aws_are(monkeypatch):
    connection = Connection()
    monkeypatch.setattr(http.client, "HTTPConnection", connection)

    MlflowServer.at(ARN, Session(), "http://127.0.0.1:4566").post("runs/create", experiment_id="1")

    assert connection.host == "127.0.0.1"
    assert connection.asked[0][3]["x-mlflow-sm-tracking-server-arn"] == ARN


def test_another_server_is_asked_without_a_signature():
    connection = Connection()

    MlflowServer("http://127.0.0.1:5000/", connect=connection).get(
        "experiments/get-by-name", experiment_name="a b"
    )

    ((_, target, body, headers),) = connection.asked
    assert target == "/api/2.0/mlflow/experiments/get-by-name?experiment_name=a%20b"
    assert body is None
    assert "Authorization" not in headers


def test_what_is_not_there_is_nothing_and_what_is_refused_is_told():
    missing = Connection(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}')
    refused = Connection(403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}')

    assert MlflowServer("http://h", connect=missing).find("registered-models/get", name="m") is None
    with pytest.raises(TrackingError, match="status 403: PERMISSION_DENIED no"):
        MlflowServer("http://h", connect=refused).find("registered-models/get", name="m")


@pytest.mark.parametrize("content", [b"<html>", b"[1]"])
def test_an_answer_that_is_no_object_is_told(content):
    with pytest.raises(TrackingError):
        MlflowServer("http://h", connect=Connection(200, content)).get("x")
