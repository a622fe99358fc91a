"""A stack that is bad on purpose: a checker that finds nothing in it has not run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from security.checks.synthesis import Synthesis, new_app

NAME = "canary"
_ROLE = f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:role/nobody"
_IMAGE = {"Image": "public/image:latest"}
_SCHEDULE: Mapping[str, Any] = {
    "MonitoringScheduleConfig": {"MonitoringJobDefinition": {"NetworkConfig": {}}}
}
_FOUND_QUIETLY = {
    "@aws-cdk/core:validateAgainstDefaultRules": True,
    "@aws-cdk/core:failSynthOnValidationErrors": False,
}
"""Have the CDK's own validation write what it finds into its report, and neither fail nor print."""

_JOBS = ("createTrainingJob", "createProcessingJob", "createTransformJob", "createHyperParameterTuningJob")


def canary(folder: Path) -> Synthesis:
    """Synthesise the stack into `folder`."""
    app = new_app(folder, **_FOUND_QUIETLY)
    stack = cdk.Stack(app, NAME)
    s3.Bucket(stack, "Open")
    bare = sqs.Queue(stack, "Bare")
    _careless_where_packs_are_answered(stack, bare)
    for id, (kind, properties) in _careless().items():
        cdk.CfnResource(stack, id, type=kind, properties=properties)
    app.synth()
    return Synthesis(app, folder)


def _careless_where_packs_are_answered(stack: cdk.Stack, queue: sqs.Queue) -> None:
    """Add what keeps neither a rule of a pack, which knows resources by their classes, nor the stricter one in its place."""
    ec2.CfnVPC(stack, "Network", cidr_block="10.0.0.0/16")
    lambda_.CfnFunction(
        stack, "Outside", role=_ROLE, code=lambda_.CfnFunction.CodeProperty(zip_file="0"), handler="index.h"
    )
    lambda_.CfnEventSourceMapping(stack, "Mapping", function_name="nobody", event_source_arn=queue.queue_arn)
    kinesis.CfnStream(
        stack,
        "Stream",
        stream_encryption=kinesis.CfnStream.StreamEncryptionProperty(
            encryption_type="KMS", key_id="alias/foreign"
        ),
    )
    firehose.CfnDeliveryStream(stack, "Delivery", delivery_stream_type="DirectPut")
    codebuild.CfnProject(
        stack,
        "Project",
        artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
        environment=codebuild.CfnProject.EnvironmentProperty(
            compute_type="BUILD_GENERAL1_SMALL", image="aws/codebuild/standard:7.0", type="LINUX_CONTAINER"
        ),
        service_role=_ROLE,
        source=codebuild.CfnProject.SourceProperty(
            type="GITHUB", location="https://github.com/nobody/nothing"
        ),
    )
    api = apigateway.CfnRestApi(stack, "Api", name="open")
    apigateway.CfnMethod(
        stack,
        "Method",
        http_method="GET",
        rest_api_id=api.ref,
        resource_id=api.attr_root_resource_id,
        authorization_type="NONE",
        integration=apigateway.CfnMethod.IntegrationProperty(type="MOCK"),
    )
    apigateway.CfnStage(stack, "Stage", rest_api_id=api.ref, deployment_id="none", cache_cluster_enabled=True)


def _careless() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return type and properties of resources that keep no rule."""
    return {
        "Unheard": ("AWS::SQS::Queue", {"Colour": "red"}),
        "Private": ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
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
