"""The key of the hashes that stand in the place of personal data."""

from __future__ import annotations

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.sagemaker_task import allow

_LENGTH = 64  # of 62 letters and digits each: 380 bits


class PrivacyKey(Construct):
    """A secret that CloudFormation makes and nobody sees.

    Attributes
    ----------
    secret : Secret
        Encrypted with the pipeline's key.
    arn : str
        Of the secret.
    """

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, id)
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description="Headrace: key of the hashes of personal data; with another one nobody can be found again",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=_LENGTH, exclude_punctuation=True
            ),
            removal_policy=removal_policy,
        )
        resource = self.secret.node.default_child
        assert isinstance(resource, secretsmanager.CfnSecret)
        # The attribute and not the reference, which in the local cloud is the name alone.
        self.arn = resource.attr_id
        reason = "With another key the hashes that are stored would name nobody: it lives as long as they do."
        Validations.of(self.secret).acknowledge(Acknowledgment(id="AwsSolutions-SMG4", reason=reason))

    def grant_to(self, function: lambda_.Function) -> None:
        """Let a function read the key, and tell it where it is."""
        function.add_environment("PRIVACY_KEY_ARN", self.arn)
        assert function.role is not None
        self.allow(function.role)

    def allow(self, role: iam.IRole) -> None:
        """Let a role that may decrypt the pipeline's data read the key."""
        allow(role, ["secretsmanager:GetSecretValue"], [self.arn])
