"""A stack that is bad on purpose: a checker that finds nothing in it has not run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from security.checks.synthesis import Synthesis, new_app

NAME = "canary"
_ROLE = f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:role/nobody"
_IMAGE = {"Image": "public/image:latest"}
_SCHEDULE: Mapping[str, Any] = {
    "MonitoringScheduleConfig": {"MonitoringJobDefinition": {"NetworkConfig": {}}}
}
_JOBS = ("createTrainingJob", "createProcessingJob", "createTransformJob", "createHyperParameterTuningJob")


def canary(folder: Path) -> Synthesis:
    """Synthesise the stack into `folder`."""
    app = new_app(folder)
    stack = cdk.Stack(app, NAME)
    s3.Bucket(stack, "Open")
    sqs.Queue(stack, "Bare")
    for id, (kind, properties) in _careless().items():
        cdk.CfnResource(stack, id, type=kind, properties=properties)
    app.synth()
    return Synthesis(app, folder)


def _careless() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return type and properties of resources that keep no rule."""
    return {
        "Unheard": ("AWS::SQS::Queue", {"Colour": "red"}),
        "Network": ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        "Repository": ("AWS::ECR::Repository", {}),
        "Logs": ("AWS::Logs::LogGroup", {}),
        "Function": (
            "AWS::Lambda::Function",
            {"Role": _ROLE, "Code": {"ZipFile": ""}, "Environment": {"Variables": {"PASSWORD": "hunter2"}}},
        ),
        "Role": ("AWS::IAM::Role", _role()),
        "Policy": ("AWS::IAM::ManagedPolicy", {"PolicyDocument": _policy()}),
        "Model": ("AWS::SageMaker::Model", {"ExecutionRoleArn": _ROLE, "PrimaryContainer": _IMAGE}),
        "Models": ("AWS::SageMaker::Model", {"ExecutionRoleArn": _ROLE, "Containers": [_IMAGE, _IMAGE]}),
        "Endpoint": ("AWS::SageMaker::EndpointConfig", _endpoint()),
        "Definition": ("AWS::SageMaker::DataQualityJobDefinition", {"RoleArn": _ROLE}),
        "Schedule": ("AWS::SageMaker::MonitoringSchedule", _SCHEDULE),
        "Machine": (
            "AWS::StepFunctions::StateMachine",
            {"RoleArn": _ROLE, "DefinitionString": json.dumps(_definition())},
        ),
    }


def _role() -> dict[str, Any]:
    trusts = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}}
    may = {"Effect": "Allow", "Action": ["iam:PassRole", "sagemaker:CreateTrainingJob"], "Resource": "*"}
    return {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusts]},
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"],
        "Policies": [
            {"PolicyName": "All", "PolicyDocument": {"Version": "2012-10-17", "Statement": [may]}},
        ],
    }


def _policy() -> dict[str, Any]:
    """Return a policy that is longer than any may be."""
    objects = [f"arn:aws:s3:::bucket/{number:0100}" for number in range(100)]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects}],
    }


def _endpoint() -> dict[str, Any]:
    return {
        "ProductionVariants": [
            {"VariantName": "one", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
        "DataCaptureConfig": {"DestinationS3Uri": "s3://open"},
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://open"}},
    }


def _definition() -> dict[str, Any]:
    """Return a definition that starts every kind of job, says nothing that it should, and leads nowhere."""
    catch = [{"ErrorEquals": ["States.ALL", "States.Timeout"], "Next": "Nowhere"}]
    tasks = {
        job: {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{job}.sync", "Catch": catch}
        for job in _JOBS
    }
    return {"QueryLanguage": "JSONata", "StartAt": _JOBS[0], "States": tasks}
