"""Whether a registered model is the one that its pipeline has signed."""

from __future__ import annotations

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.registry import Package
from headrace.aws.signed_models import SignedModels
from headrace.aws.signing_key import SigningKey
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError
from headrace.ml.supply_chain.signed_manifest import SignedManifest

_OUTPUT = "SigningKeyArn"


def signed_manifest(pipeline: DeployedPipeline, package: Package) -> SignedManifest | None:
    """Return what was signed about a version; None if an earlier release of Headrace has registered it, and signed nothing.

    Raises
    ------
    ModelRefusedError
        If something was signed, and it is not this model.
    """
    arn = pipeline.outputs.get(_OUTPUT)
    if arn is None:
        return None
    key = SigningKey(pipeline.session.client("kms"), arn)
    models = SignedModels(pipeline.session.client("s3"), key)
    try:
        return models.verified(
            package.model_data_url, pipeline=pipeline.name, version=package.version
        ).manifest
    except ModelRefusedError as error:
        if error.reason is ModelReason.UNSIGNED:
            return None
        raise


def signature_in_words(pipeline: DeployedPipeline, package: Package) -> str:
    """Return ``verified``, ``unsigned``, or why the signature is refused."""
    try:
        return "verified" if signed_manifest(pipeline, package) else "unsigned"
    except ModelRefusedError as error:
        return f"refused: {error}"
