"""Lets a function read one secret of the user's."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_


def grant_secret(function: lambda_.Function, secret: str, key_arn: str | None) -> None:
    """Allow reading `secret`, a name or an ARN, and using its key for nothing else."""
    stack = Stack.of(function)
    function.add_to_role_policy(
        iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[_secret_arn(stack, secret)])
    )
    if key_arn:
        service = f"secretsmanager.{stack.region}.amazonaws.com"
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt"],
                resources=[key_arn],
                conditions={"StringEquals": {"kms:ViaService": service}},
            )
        )


def _secret_arn(stack: Stack, secret: str) -> str:
    """Return the ARN of a secret that is named; Secrets Manager adds six characters to the name."""
    if secret.startswith("arn:"):
        return secret
    return stack.format_arn(
        service="secretsmanager",
        resource="secret",
        resource_name=f"{secret}-??????",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
