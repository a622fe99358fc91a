"""Refuse a model that is not what was signed, or that is older than one that was deployed, before anything is made of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.logs import function_logger
from headrace.aws.release_log import ReleaseLog
from headrace.aws.signed_models import SignedModel, SignedModels
from headrace.aws.signing_key import SigningKey
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError
from headrace.ml.supply_chain.signed_manifest import SignedManifest
from headrace.ml.supply_chain.variables import to_variables

logger = function_logger()

_WHAT_TO_DO = {
    ModelReason.UNSIGNED: "train again, or accept models of earlier releases: see docs/supply-chain.md",
    ModelReason.REPLAYED: "headrace rollback goes back to an older version, and writes down who wanted it",
    ModelReason.KEY_UNUSABLE: "enable the key, or let this function use it",
}
_OTHERWISE = "do not deploy it: find out who has changed it"


class Models(Protocol):
    """What this function needs of signed models."""

    def verified(self, model_data_url: str, *, pipeline: str, version: int | None) -> SignedModel:
        """Return what was signed about a model; `ModelRefusedError` if it is not what it should be."""
        ...

    def check_archive(self, model_data_url: str, manifest: SignedManifest) -> None:
        """Refuse an archive that is not the one that was signed."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...


class Releases(Protocol):
    """What this function needs from the ledger, of releases."""

    def newest_deployed(self) -> int:
        """Return the highest version that was ever deployed; 0 if none is known."""
        ...


class Key(Protocol):
    """What this function needs of the key."""

    @property
    def public_text(self) -> str:
        """The public key in base64."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    models: Models
    key: Key
    log: Log
    releases: Releases


@cache
def _deps() -> tuple[str, bool, Ports]:
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    key = SigningKey(boto3.client("kms"), os.environ["SIGNING_KEY_ARN"])
    ports = Ports(SignedModels(boto3.client("s3"), key), key, TrainingLog(table), ReleaseLog(table))
    return bundled_pipeline().name, os.environ["UNSIGNED_MODELS"] == "accept", ports


def verify_model(
    event: Mapping[str, Any], pipeline: str, accept_unsigned: bool, ports: Ports
) -> dict[str, Any]:
    """Return the plan, with what the container needs to verify the model once more.

    Raises
    ------
    ModelRefusedError
        With the reason, and what to do.
    """
    plan = event["plan"]
    try:
        _check_age(plan, ports)
        return _verified(plan, pipeline, ports)
    except ModelRefusedError as error:
        if error.reason is ModelReason.UNSIGNED and accept_unsigned:
            logger.warning("accepted without a signature", extra={"version": plan["version"]})
            return {**plan, "signed": False}
        logger.error("refused", extra={"reason": error.reason, "version": plan["version"]})
        raise ModelRefusedError(
            error.reason, f"{error.why}; {_WHAT_TO_DO.get(error.reason, _OTHERWISE)}"
        ) from None


def _check_age(plan: Mapping[str, Any], ports: Ports) -> None:
    """Refuse a version below the highest that was deployed, unless somebody has decided to go back."""
    champion = ports.log.champion()
    newest = max(ports.releases.newest_deployed(), champion.version if champion else 0)
    if plan["version"] < newest and not plan.get("rejects"):
        raise ModelRefusedError(
            ModelReason.REPLAYED, f"v{plan['version']} is older than v{newest}, which was deployed already"
        )


def _verified(plan: Mapping[str, Any], pipeline: str, ports: Ports) -> dict[str, Any]:
    url = plan["model_data_url"]
    signed = ports.models.verified(url, pipeline=pipeline, version=plan["version"])
    ports.models.check_archive(url, signed.manifest)
    given = to_variables(signed.envelope, ports.key.public_text)
    logger.info("verified", extra={"version": plan["version"], "sha256": signed.manifest.archive_sha256})
    return {**plan, "environment": {**plan.get("environment", {}), **given}, "signed": True}


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return verify_model(event, *_deps())
