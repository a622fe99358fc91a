"""Sign what was judged: once a model has a version, the pipeline's key vouches for its archive and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.logs import function_logger
from headrace.aws.signed_models import SignedModels
from headrace.aws.signing_key import SigningKey
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from headrace.ml.supply_chain.signed_manifest import SignedManifest, member_digests

logger = function_logger()


class SigningError(Exception):
    """What was judged is not known, or is not this model; the text says which."""


class Documents(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, or None if there is none."""
        ...


class Signer(Protocol):
    """What this function needs from the key."""

    def sign(self, manifest: SignedManifest, model_data_url: str) -> str:
        """Sign a manifest, put it beside the model, and return its URL."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    documents: Documents
    signer: Signer


@cache
def _deps() -> tuple[str, str, Ports]:
    s3 = boto3.client("s3")
    key = SigningKey(boto3.client("kms"), os.environ["SIGNING_KEY_ARN"])
    ports = Ports(Artifacts(s3, os.environ["ARTIFACTS_BUCKET"]), SignedModels(s3, key))
    return bundled_pipeline().name, os.environ["SBOM_SHA256"], ports


def sign_model(
    event: Mapping[str, Any], pipeline: str, sbom_sha256: str, ports: Ports, now: datetime
) -> dict[str, Any]:
    """Answer where the signed manifest is. What is signed is the archive that the evaluation has read, and no other.

    Parameters
    ----------
    event : mapping
        ``run``, ``model_data_url`` and ``model_package_arn``, whose last part is the version.
    sbom_sha256 : str
        Of the bill of materials of the image.
    """
    folder = f"evaluations/{event['run']}"
    evaluation, origin = (
        ports.documents.load(f"{folder}/{name}") or {} for name in ("evaluation.json", "provenance.json")
    )
    archive = _judged(event, evaluation.get("archive"), origin)
    data, code = origin["data"], origin["code"]
    manifest = SignedManifest(
        pipeline=pipeline,
        version=int(event["model_package_arn"].rpartition("/")[2]),
        run=event["run"],
        archive_sha256=archive["sha256"],
        archive_bytes=archive["bytes"],
        members=member_digests(archive["members"]),
        data_sha256=data["content_hash"],
        data_manifest_sha256=(data["manifest"] or {}).get("sha256") or "",
        image_digest=origin["image"]["digest"] or "",
        code_commit=code.get("commit") or "",
        code_sha256=code.get("content_sha256") or "",
        lock_sha256=code.get("lock_sha256") or "",
        sbom_sha256=sbom_sha256,
        signed_at=now.isoformat(),
    )
    url = ports.signer.sign(manifest, event["model_data_url"])
    logger.info("signed", extra={"version": manifest.version, "archive_sha256": manifest.archive_sha256})
    return {"signed_manifest": url, "version": manifest.version}


def _judged(
    event: Mapping[str, Any], archive: Mapping[str, Any] | None, origin: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the archive that was judged, if it is that of the model that is to be signed."""
    if not archive:
        raise SigningError(
            f"the evaluation of {event['run']} does not say what it has read: build the image of this release"
        )
    if not origin.get("gate", {}).get("promote"):
        raise SigningError(f"the model of {event['run']} was not promoted, so nobody vouches for it")
    stored = origin["model"]["object"] or {}
    if (stored.get("uri"), stored.get("size")) != (event["model_data_url"], archive["bytes"]):
        raise SigningError(f"{event['model_data_url']} is not the archive that was judged")
    return archive


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return sign_model(event, *_deps(), datetime.now(UTC))
