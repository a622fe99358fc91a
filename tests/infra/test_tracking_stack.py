import pytest
from aws_cdk.assertions import Template

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.tracking_stack import TrackingStack
from tests.infra.pipeline_stacks import template_app
from tests.infra.policies import policies_of

ARN = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-"
FIELDS = {"name": "bike", "problem": "regression", "target": "cnt"}


def template(mlflow):
    app = template_app()
    pipeline = Pipeline.model_validate({**FIELDS, "tracking": {"mlflow": mlflow}})
    data = DataStack(app, "bike-data", pipeline=pipeline)
    stack = TrackingStack(app, "bike-tracking", pipeline=pipeline, tracking=pipeline.tracking, data=data)
    return Template.from_stack(stack)


def mlflow_statements(template):
    return [
        statement
        for policy in policies_of(template).values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "lflow" in str(statement["Action"])
    ]


def test_the_end_of_a_training_starts_the_function_and_nothing_waits_for_it():
    rules = template("http://127.0.0.1:5000").find_resources("AWS::Events::Rule").values()

    (pattern,) = (rule["Properties"]["EventPattern"] for rule in rules)
    assert pattern == {
        "source": ["headrace"],
        "detail-type": ["TrainingFinished"],
        "detail": {"pipeline": ["bike"]},
    }


@pytest.mark.parametrize(
    ("kind", "actions"),
    [("tracking-server/ours", "sagemaker-mlflow:"), ("app/app-1", "sagemaker:CallMlflowAppApi")],
)
def test_the_function_may_speak_with_the_one_server_that_is_named(kind, actions):
    (statement,) = mlflow_statements(template(f"{ARN}{kind}"))

    said = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    assert statement["Resource"] == f"{ARN}{kind}"
    assert all(action.startswith(actions) and "*" not in action for action in said)


def test_another_server_asks_for_no_permission():
    assert mlflow_statements(template("https://mlflow.example.org")) == []
