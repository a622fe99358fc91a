"""The key that signs a pipeline's models, and the functions that sign with it and verify by it."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.data_keys import keep_to_services
from infra.data_stack import DataStack
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack

_ACCEPT = "accept"
_CONTEXT = "unsigned_models"


class SigningKey(kms.Key):
    """An asymmetric key whose private half never leaves KMS. KMS rotates no such keys."""

    def __init__(self, scope: Construct, id: str, *, removal_policy: RemovalPolicy) -> None:
        super().__init__(
            scope,
            id,
            description="Headrace: signs the models of one pipeline",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=removal_policy,
        )
        keep_to_services(self)


def sign_function(stack: PipelineStack, data: DataStack, key: kms.IKey, sbom_sha256: str) -> PipelineFunction:
    """Return the one function that may sign. Its role reads what was judged, and writes beside the models."""
    function = PipelineFunction(
        stack,
        "SignModel",
        name="sign_model",
        pipeline=stack.pipeline,
        key=data.key,
        environment={
            "ARTIFACTS_BUCKET": data.artifacts_bucket.bucket_name,
            "SIGNING_KEY_ARN": key.key_arn,
            "SBOM_SHA256": sbom_sha256,
        },
    )
    read = [f"evaluations/*/{name}" for name in ("evaluation.json", "provenance.json")]
    grant_objects(function, data.artifacts_bucket, "s3:GetObject", read)
    grant_list(function, data.artifacts_bucket, "evaluations/")
    grant_objects(function, data.artifacts_bucket, "s3:PutObject", ["training/*/signed_manifest.json"])
    grant_data_keys(function, data.key)
    grant_use(function, key, "kms:GetPublicKey", "kms:Sign")
    return function


def verify_function(stack: PipelineStack, data: DataStack, key: kms.IKey) -> PipelineFunction:
    """Return the function that every deployment asks before anything is made of a model."""
    function = PipelineFunction(
        stack,
        "VerifyModel",
        name="verify_model",
        pipeline=stack.pipeline,
        key=data.key,
        environment={
            "LEDGER_TABLE": data.ledger.table_name,
            "SIGNING_KEY_ARN": key.key_arn,
            "UNSIGNED_MODELS": unsigned_models(stack),
        },
        memory_mb=1769,  # a processor: archives are hashed and unpacked
        timeout_s=280,
    )
    grant_objects(function, data.artifacts_bucket, "s3:GetObject", ["training/*"])
    grant_list(function, data.artifacts_bucket, "training/")
    grant_items(function, data.ledger, "dynamodb:GetItem", ["champion", "release"])
    grant_use(function, key, "kms:GetPublicKey", "kms:Verify")
    return function


def grant_use(function: PipelineFunction, key: kms.IKey, *actions: str) -> None:
    """Allow a function to use the key that signs."""
    function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[key.key_arn]))


def unsigned_models(scope: Construct) -> str:
    """Return what is done with models that an earlier release of Headrace has registered: ``refuse`` or ``accept``.

    Raises
    ------
    ValueError
        If the context says anything else.
    """
    said = scope.node.try_get_context(_CONTEXT)
    if said not in (None, "refuse", _ACCEPT):
        raise ValueError(f"the context {_CONTEXT} is {said!r}: accept or refuse, see docs/supply-chain.md")
    return said or "refuse"
