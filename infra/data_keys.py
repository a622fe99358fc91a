"""The pipeline's own key, and what AWS's services may do with it."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

_USE = ["kms:Decrypt", "kms:GenerateDataKey*"]


class DataKey(kms.Key):
    """A customer-managed key, rotated yearly, that encrypts everything of one pipeline.

    Functions and jobs get their use of it by their roles. The services below call as themselves, and only on behalf of
    this account.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        removal_policy: RemovalPolicy,
        budgets: bool = False,
        sns: bool = False,
    ) -> None:
        super().__init__(
            scope,
            id,
            description="Headrace: data, models, logs and messages of one pipeline",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        stack = Stack.of(self)
        # They deliver to our encrypted queues and our topic.
        for service in ("events", "cloudwatch", *(["budgets"] if budgets else []), *(["sns"] if sns else [])):
            self._allow(
                service,
                _USE,
                {"StringEquals": {"aws:SourceAccount": stack.account}},
                f"{service}.amazonaws.com",
            )
        logs_arn = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
        self._allow(
            "logs",
            ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs_arn}},
            f"logs.{stack.region}.amazonaws.com",
        )

        keep_to_services(self)

    def _allow(
        self, name: str, actions: list[str], conditions: dict[str, dict[str, str]], principal: str
    ) -> None:
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"Allow{name.capitalize()}",
                principals=[iam.ServicePrincipal(principal)],
                actions=actions,
                # In a key policy, "*" is the key itself.
                resources=["*"],
                conditions=conditions,
            )
        )


def keep_to_services(key: kms.Key) -> None:
    """Let nobody hand `key` on, but to a service of AWS that uses it for something of ours."""
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="GrantsForServicesOnly",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["kms:CreateGrant"],
            resources=["*"],
            conditions={
                "BoolIfExists": {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}
            },
        )
    )
