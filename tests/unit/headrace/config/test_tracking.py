import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline

FIELDS = {"name": "bike", "problem": "regression", "target": "cnt"}


def test_without_the_block_nothing_is_tracked():
    assert Pipeline.model_validate(FIELDS).tracking is None


@pytest.mark.parametrize(
    "server",
    [
        "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/ours",
        "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-ABC123",
        "http://127.0.0.1:5000",
        "https://mlflow.example.org/base",
    ],
)
def test_a_server_is_an_arn_or_a_url(server):
    assert Pipeline.model_validate({**FIELDS, "tracking": {"mlflow": server}}).tracking.mlflow == server


@pytest.mark.parametrize(
    "server",
    [
        "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x",
        "https://me:secret@example.org",
        "file:///runs",
        "",
    ],
)
def test_anything_else_is_refused_with_what_it_may_be(server):
    with pytest.raises(ValidationError, match="neither the ARN"):
        Pipeline.model_validate({**FIELDS, "tracking": {"mlflow": server}})
