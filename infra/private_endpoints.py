"""Ways from a private network to the services of AWS that functions and jobs call, and to nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from headrace.config.images import HEADRACE
from headrace.config.pipeline import Pipeline
from headrace.config.tracking import managed_server

_ALWAYS = ("ecr.api", "events", "glue", "kms", "monitoring", "sagemaker.api", "sns", "states")
"""S3 and DynamoDB beside them, whose endpoints are routes and cost nothing."""
_PREFIXES = {"experiments": "aws.sagemaker"}
"""Of services that are not in ``com.amazonaws``: MLflow's has a name of SageMaker's own, as its address has."""


def interface_services(pipeline: Pipeline) -> list[str]:
    """Return what the functions of a pipeline call, as PrivateLink names it. Each costs by the hour and zone.

    Examples
    --------
    >>> minimal = Pipeline(name="bike", problem="regression", target="cnt", network="private")
    >>> interface_services(minimal)[:4]
    ['codebuild', 'ecr.api', 'events', 'glue']
    """
    return sorted({*_ALWAYS, *_optional(pipeline)})


def _optional(pipeline: Pipeline) -> Iterator[str]:
    stream, endpoint = pipeline.stream, pipeline.endpoint
    scored = stream is not None and stream.scoring
    if pipeline.image == HEADRACE:
        yield "codebuild"
    if endpoint.exists:
        yield "sagemaker.runtime"
    if scored:
        yield "kinesis-streams"
    if scored or endpoint.batches:
        yield "sqs"
    if endpoint.scaling:
        yield "application-autoscaling"
    if pipeline.privacy is not None and (pipeline.privacy.needs_key or pipeline.privacy.encrypted):
        yield "secretsmanager"
    if pipeline.tracking is not None and managed_server(pipeline.tracking.mlflow):
        yield "experiments"


def add_endpoints(
    scope: Construct, vpc: ec2.Vpc, pipeline: Pipeline, security_group: ec2.ISecurityGroup
) -> None:
    """Make the endpoints in `vpc`; those of interfaces stand in `security_group`."""
    s3 = vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
    dynamodb = vpc.add_gateway_endpoint("DynamoDB", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
    for endpoint in (s3, dynamodb):
        endpoint.add_to_policy(_own_account())
    s3.add_to_policy(_answers_to_cloudformation())
    for name in interface_services(pipeline):
        made = ec2.InterfaceVpcEndpoint(
            scope,
            "".join(part.title() for part in name.replace("-", ".").split(".")),
            vpc=vpc,
            service=ec2.InterfaceVpcEndpointAwsService(name, _PREFIXES.get(name)),
            private_dns_enabled=True,
            open=False,
            security_groups=[security_group],
        )
        made.add_to_policy(_own_account())


def _own_account() -> iam.PolicyStatement:
    """Return what lets this account's callers reach this account's resources; actions without a resource have no account."""
    return iam.PolicyStatement(
        sid="OwnAccountOnly",
        principals=[iam.AnyPrincipal()],
        actions=["*"],
        resources=["*"],
        conditions={
            "StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID},
            "StringEqualsIfExists": {"aws:ResourceAccount": Aws.ACCOUNT_ID},
        },
    )


def _answers_to_cloudformation() -> iam.PolicyStatement:
    """Return what lets the functions of custom resources answer: by URLs that CloudFormation has signed, in its own bucket.

    References
    ----------
    .. [1] CloudFormation user guide, "Setting up VPC endpoints for AWS CloudFormation": custom resources.
    """
    return iam.PolicyStatement(
        sid="AnswersToCloudFormation",
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[f"arn:{Aws.PARTITION}:s3:::cloudformation-custom-resource-response-*/*"],
    )
