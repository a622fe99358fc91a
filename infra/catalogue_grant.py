"""What registering curated rows in Glue's catalogue takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from infra.data_stack import DataStack


def grant_catalogue(function: lambda_.Function, data: DataStack) -> None:
    """Allow making the table of curated rows, and adding days to it."""
    stack = Stack.of(function)
    base = f"arn:{stack.partition}:glue:{stack.region}:{stack.account}"
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[
                "glue:GetTable",
                "glue:CreateTable",
                "glue:UpdateTable",
                "glue:GetPartitions",
                "glue:BatchCreatePartition",
            ],
            resources=[
                f"{base}:catalog",
                f"{base}:database/{data.glue_database_name}",
                f"{base}:table/{data.glue_database_name}/{data.glue_table_name}",
            ],
        )
    )
