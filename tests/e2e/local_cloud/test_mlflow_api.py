"""Requests to a tracking server of SageMaker are authorised by their action, on the server that they name."""

import boto3
import pytest

from headrace.aws.mlflow_server import MlflowServer, TrackingError

OURS = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/ours"


@pytest.fixture
def session(cloud):
    """Return a function that makes sessions of a role which may find experiments on our server, and nothing else."""
    allowed = {"Action": "sagemaker-mlflow:GetExperimentByName", "Resource": OURS}
    credentials = cloud.as_role(allowed)("s3")._get_credentials()
    return boto3.Session(credentials.access_key, credentials.secret_key, credentials.token)


@pytest.mark.parametrize(
    ("arn", "what", "says"),
    [
        (OURS, "experiments/get-by-name", "no tracking server"),
        (OURS, "registered-models/get", "not authorized to perform: sagemaker-mlflow"),
        (
            OURS.replace("ours", "theirs"),
            "experiments/get-by-name",
            "not authorized to perform: sagemaker-mlflow",
        ),
    ],
)
def test_only_what_is_allowed_on_the_server_that_is_named_reaches_it(cloud, session, arn, what, says):
    server = MlflowServer.at(arn, session, cloud.endpoint)

    with pytest.raises(TrackingError, match=says):
        server.get(what, name="a")
