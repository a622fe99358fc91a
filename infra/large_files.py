"""The handing over of large files: what ingestion needs to know of a state machine in a later stack."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import grant_objects
from infra.pipeline_function import PipelineFunction

WORK = "work/"
"""Prefix of what lies in the data bucket while a large file is cleaned."""


SNAPSHOT_ORDERS = "snapshots/orders/"
"""Prefix, in the artifacts bucket, of what lies between the function and the job that make snapshots."""


def state_machine_name(pipeline: Pipeline) -> str:
    """Return the name of the state machine that cleans large files.

    It is fixed, because the stack with the state machine needs the one with the ingestion, which starts it.
    """
    return f"headrace-{pipeline.name}-clean-large-file"


def state_machine_arn(scope: Construct, pipeline: Pipeline) -> str:
    """Return its ARN."""
    return Stack.of(scope).format_arn(
        service="states",
        resource="stateMachine",
        resource_name=state_machine_name(pipeline),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def grant_hand_over(function: PipelineFunction, bucket: s3.IBucket, pipeline: Pipeline) -> None:
    """Allow `function` to write orders and to start the state machine, and tell it which."""
    arn = state_machine_arn(function, pipeline)
    function.add_environment("CLEAN_LARGE_FILE_ARN", arn)
    function.add_to_role_policy(iam.PolicyStatement(actions=["states:StartExecution"], resources=[arn]))
    grant_objects(function, bucket, "s3:PutObject", [f"{WORK}*/order.json"])
