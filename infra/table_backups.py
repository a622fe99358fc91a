"""Backups of tables that outlive the tables, beside the 35 days to any second of which DynamoDB goes back by itself."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.sagemaker_task import allow

_KEPT = Duration.days(90)


class TableBackups(Construct):
    """A backup of each table every night, kept for 90 days in an encrypted vault that `cdk destroy` leaves.

    References
    ----------
    .. [1] AWS Backup developer guide, "Managed policies": ``AWSBackupServiceRolePolicyForBackup``, of which the role here
       has what tables of DynamoDB take, for these tables.
    """

    def __init__(
        self, scope: Construct, id: str, *, tables: Sequence[dynamodb.ITable], key: kms.IKey
    ) -> None:
        super().__init__(scope, id)
        vault = backup.BackupVault(self, "Vault", encryption_key=key, removal_policy=RemovalPolicy.RETAIN)
        plan = backup.BackupPlan(
            self,
            "Plan",
            backup_vault=vault,
            backup_plan_rules=[
                backup.BackupPlanRule(
                    rule_name="Nightly",
                    schedule_expression=events.Schedule.cron(hour="3", minute="0"),
                    delete_after=_KEPT,
                )
            ],
        )
        plan.add_selection(
            "Tables",
            resources=[backup.BackupResource.from_dynamo_db_table(table) for table in tables],
            role=self._role(tables, vault, key),
            disable_default_backup_policy=True,
        )

    def _role(self, tables: Sequence[dynamodb.ITable], vault: backup.IBackupVault, key: kms.IKey) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "backup.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        arns = [table.table_arn for table in tables]
        allow(
            role,
            ["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob"],
            arns,
        )
        allow(role, ["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"], [vault.backup_vault_arn])
        allow(role, ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], [key.key_arn])
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                resources=[key.key_arn],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        return role
