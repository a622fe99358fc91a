"""Makes the stack of the API before an endpoint without the stacks that it stands on, which take their time."""

from types import SimpleNamespace

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from headrace.config.pipeline import Pipeline
from infra.front_stack import FrontStack
from infra.hardening import Hardening

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"


def front_stack(*, name="bike", key_arn=KEY, topic_arn=TOPIC, **block):
    """Return the front of a pipeline; keywords are fields of the block."""
    app = cdk.App(builtin_cloud_formation_validation=False)
    serving = cdk.Stack(app, "serving")
    serving.endpoint_name = f"headrace-{name}"
    key = kms.Key.from_key_arn(serving, "Key", key_arn)
    topic = sns.Topic.from_topic_arn(serving, "Topic", topic_arn)
    data = SimpleNamespace(key=key, topic=topic, hardening=Hardening())
    pipeline = Pipeline(name=name, problem="regression", target="cnt", endpoint={"front": block})
    return FrontStack(
        app, f"{name}-front", pipeline=pipeline, front=pipeline.endpoint.front, data=data, serving=serving
    )
