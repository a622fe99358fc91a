"""A stack that is bad on purpose: a checker that finds nothing in it has not run."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from security.checks.synthesis import Synthesis, new_app

NAME = "canary"
ROLE = f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:role/nobody"


def canary(folder: Path) -> Synthesis:
    """Synthesise the stack into `folder`."""
    app = new_app(folder)
    stack = cdk.Stack(app, NAME)
    s3.Bucket(stack, "Open")
    sqs.Queue(stack, "Bare")
    cdk.CfnResource(stack, "Unheard", type="AWS::SQS::Queue", properties={"Colour": "red"})
    cdk.CfnResource(stack, "Network", type="AWS::EC2::VPC", properties={"CidrBlock": "10.0.0.0/16"})
    cdk.CfnResource(
        stack,
        "OpenModel",
        type="AWS::SageMaker::Model",
        properties={"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "public/image:latest"}},
    )
    cdk.CfnResource(
        stack,
        "Careless",
        type="AWS::StepFunctions::StateMachine",
        properties={"RoleArn": ROLE, "DefinitionString": json.dumps(_careless())},
    )
    app.synth()
    return Synthesis(app, folder)


def _careless() -> dict[str, object]:
    """Return a definition that starts every kind of job, and says nothing that it should."""
    jobs = ("createTrainingJob", "createProcessingJob", "createTransformJob", "createHyperParameterTuningJob")
    tasks = {
        job: {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{job}.sync", "Next": "Nowhere"}
        for job in jobs
    }
    return {"QueryLanguage": "JSONata", "StartAt": jobs[0], "States": tasks}
