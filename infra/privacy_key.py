"""The keys of what stands in the place of personal data: hashes, and encrypted cells."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from headrace.config.privacy import Privacy
from infra.sagemaker_task import allow

_LENGTH = 64  # of 62 letters and digits each: 380 bits


class PrivacyKey(Construct):
    """A secret that CloudFormation makes and nobody sees.

    Parameters
    ----------
    key : IKey
        Encrypts the secret.
    variable : str
        By which functions are told where it is.
    description : str
        What it is for.

    Attributes
    ----------
    secret : Secret
        Encrypted with the pipeline's key.
    arn : str
        Of the secret.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        removal_policy: RemovalPolicy,
        variable: str,
        description: str,
    ) -> None:
        super().__init__(scope, id)
        self._variable = variable
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description=description,
            # By its ARN, or the construct would let all of the account use the key by way of Secrets Manager.
            encryption_key=kms.Key.from_key_arn(self, "Key", key.key_arn),
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=_LENGTH, exclude_punctuation=True
            ),
            removal_policy=removal_policy,
        )
        resource = self.secret.node.default_child
        assert isinstance(resource, secretsmanager.CfnSecret)
        # The attribute and not the reference, which in the local cloud is the name alone.
        self.arn = resource.attr_id
        reason = "With another key nobody could be found, and nothing read again: it lives as long as what is stored."
        for rule in ("AwsSolutions-SMG4", "SecretsManagerRotationEnabled"):
            Validations.of(self.secret).acknowledge(Acknowledgment(id=rule, reason=reason))

    def grant_to(self, function: lambda_.Function) -> None:
        """Let a function read the key, and tell it where it is."""
        function.add_environment(self._variable, self.arn)
        assert function.role is not None
        self.allow(function.role)

    def allow(self, role: iam.IRole) -> None:
        """Let a role that may decrypt the pipeline's data read the key."""
        allow(role, ["secretsmanager:GetSecretValue"], [self.arn])


@dataclass(frozen=True)
class PrivacyKeys:
    """The secrets that a pipeline's personal data take, if any.

    Parameters
    ----------
    hashes : PrivacyKey or None
        Of the hashes, by which people are found.
    cells : PrivacyKey or None
        Of the encrypted cells: who erases people need not read it.
    """

    hashes: PrivacyKey | None = None
    cells: PrivacyKey | None = None

    @classmethod
    def of(
        cls, scope: Construct, privacy: Privacy | None, *, key: kms.IKey, removal_policy: RemovalPolicy
    ) -> PrivacyKeys:
        """Make what the block asks for. The names are for ever: a secret of another name is another key."""
        hashes = cells = None
        if privacy and privacy.needs_key:
            hashes = PrivacyKey(
                scope,
                "PrivacyKey",
                key=key,
                removal_policy=removal_policy,
                variable="PRIVACY_KEY_ARN",
                description="Headrace: key of the hashes of personal data; with another one nobody can be found again",
            )
        if privacy and privacy.encrypted:
            cells = PrivacyKey(
                scope,
                "EncryptionKey",
                key=key,
                removal_policy=removal_policy,
                variable="ENCRYPTION_KEY_ARN",
                description="Headrace: key of encrypted personal cells; without it nobody can read them again",
            )
        return cls(hashes, cells)

    def grant_to(self, function: lambda_.Function) -> None:
        """Let a function that hides cells read both, and tell it where they are."""
        for key in (self.hashes, self.cells):
            if key:
                key.grant_to(function)
