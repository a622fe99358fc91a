"""What functions may do in Glue's catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from infra.data_stack import DataStack


def grant_catalogue(function: lambda_.Function, data: DataStack) -> None:
    """Allow making the table of curated rows, and adding days to it."""
    actions = ["glue:GetTable", "glue:CreateTable", "glue:UpdateTable", "glue:BatchCreatePartition"]
    _grant(function, data, data.glue_table_name, actions)


def grant_learning_columns(function: lambda_.Function, data: DataStack, table: str) -> None:
    """Allow adding columns and variants to a table whose partitions Athena computes."""
    _grant(function, data, table, ["glue:GetTable", "glue:UpdateTable"])


def _grant(function: lambda_.Function, data: DataStack, table: str, actions: list[str]) -> None:
    stack = Stack.of(function)
    base = f"arn:{stack.partition}:glue:{stack.region}:{stack.account}"
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=actions,
            resources=[
                f"{base}:catalog",
                f"{base}:database/{data.glue_database_name}",
                f"{base}:table/{data.glue_database_name}/{table}",
            ],
        )
    )
