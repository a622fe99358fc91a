"""Roles under which SageMaker runs containers: what the platform may do in the container's name."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.sagemaker_task import allow


class JobRole(iam.Role):
    """Role of one kind of job or model: reads and writes below given prefixes, and logs to some families of log groups.

    Parameters
    ----------
    bucket : IBucket
        Where input and output are.
    key : IKey
        Encrypts them, and the volumes.
    read, write : sequence of str
        Prefixes, e.g. ``snapshots/``.
    log_groups : sequence of str
        What follows ``/aws/sagemaker/``, e.g. ``TrainingJobs``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket,
        key: kms.IKey,
        read: Sequence[str],
        write: Sequence[str],
        log_groups: Sequence[str],
    ) -> None:
        super().__init__(
            scope,
            id,
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        allow(self, ["s3:GetObject"], [bucket.arn_for_objects(f"{prefix}*") for prefix in read])
        self._allow_listing(bucket, [*read, *write])
        if write:
            patterns = [bucket.arn_for_objects(f"{prefix}*") for prefix in write]
            allow(self, ["s3:PutObject", "s3:AbortMultipartUpload"], patterns)
        allow(self, ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], [key.key_arn])
        _allow_volume_grants(self, key)
        self._allow_logs(log_groups)

    def _allow_listing(self, bucket: s3.IBucket, prefixes: Sequence[str]) -> None:
        self.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
            )
        )

    def _allow_logs(self, log_groups: Sequence[str]) -> None:
        stack = Stack.of(self)
        groups = [
            stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"/aws/sagemaker/{name}:*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for name in log_groups
        ]
        allow(
            self,
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            groups,
        )
        self.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # the action has no resources; the namespace is its scope
                conditions={"StringLike": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/*"]}},
            )
        )


def _allow_volume_grants(role: iam.IRole, key: kms.IKey) -> None:
    """Allow handing the key to the service that attaches encrypted volumes, and to nobody else."""
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["kms:CreateGrant"],
            resources=[key.key_arn],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
    )


def grant_encrypted_volumes(role: iam.IRole, key: kms.IKey) -> None:
    """Allow `role` to start jobs and endpoints whose volumes `key` encrypts."""
    allow(role, ["kms:DescribeKey"], [key.key_arn])
    _allow_volume_grants(role, key)


def grant_encrypted_packages(role: iam.IRole, scope: Construct, key: kms.IKey) -> None:
    """Allow `role` to make model packages whose information SageMaker encrypts with `key`, and nothing else with it.

    The actions are those of AWS's own policy ``AmazonSageMakerModelRegistryFullAccess``.
    """
    service = f"sagemaker.{Stack.of(scope).region}.amazonaws.com"
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt"],
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": service}},
        )
    )
