"""Grants for part of a bucket, a table or a key; the L2's own grants add actions that nobody here needs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3


def grant_objects(
    function: lambda_.Function, bucket: s3.IBucket, action: str, patterns: Sequence[str]
) -> None:
    """Allow `action` (``s3:GetObject``, ``s3:PutObject``) on the objects whose key matches one of `patterns`."""
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[action], resources=[bucket.arn_for_objects(pattern) for pattern in patterns]
        )
    )
    if any("*" in pattern for pattern in patterns):
        acknowledge_wildcards(
            function.role, "Objects below a prefix are many and named at run time: the prefix is the scope."
        )


def grant_list(
    function: lambda_.Function, bucket: s3.IBucket, prefix: str, *, action: str = "s3:ListBucket"
) -> None:
    """Allow listing the keys below `prefix`, or with ``s3:ListBucketVersions`` all their versions."""
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[action],
            resources=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{prefix}*"}},
        )
    )


def grant_items(
    function: lambda_.Function, table: dynamodb.ITable, action: str, partitions: Sequence[str]
) -> None:
    """Allow `action` on the items whose partition key is one of `partitions`."""
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[action],
            resources=[table.table_arn],
            conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": list(partitions)}},
        )
    )


def grant_data_keys(function: lambda_.Function, key: kms.IKey) -> None:
    """Allow what writing to an encrypted bucket or topic takes, beside the decryption that every function may do."""
    function.add_to_role_policy(iam.PolicyStatement(actions=["kms:GenerateDataKey"], resources=[key.key_arn]))


def grant_metrics(function: lambda_.Function, namespace: str) -> None:
    """Allow putting metrics in one namespace of CloudWatch."""
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],  # the action has no resources; the namespace is its scope
            conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        )
    )
    acknowledge_wildcards(function.role, "PutMetricData has no resources: the namespace is the scope.")


def acknowledge_wildcards(role: iam.IRole | None, reason: str) -> None:
    """Say why a role's policy may name a family of actions or resources instead of single ones."""
    if role is not None:
        Validations.of(role).acknowledge(Acknowledgment(id="AwsSolutions-IAM5", reason=reason))


def acknowledge_unbounded(role: iam.IRole | None, reason: str) -> None:
    """Say why a wildcard of a role's policy is bounded by less than a prefix of the pipeline's, which our own rule asks for."""
    if role is not None:
        Validations.of(role).acknowledge(Acknowledgment(id="Headrace-WildcardsAreBounded", reason=reason))
