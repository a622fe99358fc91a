"""Models with their signed manifests, which lie beside ``model.tar.gz``."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from headrace.aws.artifacts import Artifacts
from headrace.aws.model_archive import open_archive
from headrace.aws.signing_key import SigningKey
from headrace.ml.supply_chain.archive import sha256_of
from headrace.ml.supply_chain.envelope import Envelope, signed_digest
from headrace.ml.supply_chain.model_archive import inspect_model
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError
from headrace.ml.supply_chain.signed_manifest import SignedManifest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "signed_manifest.json"


def manifest_url(model_data_url: str) -> str:
    """Return where the signed manifest of a model lies.

    Examples
    --------
    >>> manifest_url("s3://b/training/job/output/model.tar.gz")
    's3://b/training/job/output/signed_manifest.json'
    """
    return f"{model_data_url.rpartition('/')[0]}/{NAME}"


@dataclass(frozen=True)
class SignedModel:
    """What was signed about a model, as it is read and as it is written."""

    manifest: SignedManifest
    envelope: Envelope


class SignedModels:
    """Signs models, and refuses those that are not what was signed.

    Parameters
    ----------
    client : S3Client
        May read models and list ``training/``, and write manifests if it is to sign.
    key : SigningKey
        The pipeline's.
    """

    def __init__(self, client: S3Client, key: SigningKey) -> None:
        self._client, self._key = client, key

    def sign(self, manifest: SignedManifest, model_data_url: str) -> str:
        """Sign a manifest, put it beside the model, and return its URL."""
        payload = manifest.to_bytes()
        envelope = Envelope(payload, self._key.key_id, self._key.sign(signed_digest(payload)))
        bucket, key = _place(manifest_url(model_data_url))
        Artifacts(self._client, bucket).put(key, envelope.to_bytes(), content_type="application/json")
        return manifest_url(model_data_url)

    def envelope(self, model_data_url: str) -> Envelope:
        """Return what was signed about a model, unverified.

        Raises
        ------
        ModelRefusedError
            If nothing was.
        """
        bucket, key = _place(manifest_url(model_data_url))
        body = Artifacts(self._client, bucket).read(key)
        if body is None:
            raise ModelRefusedError(ModelReason.UNSIGNED, f"there is no {manifest_url(model_data_url)}")
        return Envelope.from_bytes(body)

    def verified(self, model_data_url: str, *, pipeline: str, version: int | None) -> SignedModel:
        """Return what was signed about a model, of which nothing is read yet.

        Raises
        ------
        ModelRefusedError
            If nothing was signed, or by another key, for another pipeline or as another version.
        """
        envelope = self.envelope(model_data_url)
        manifest = SignedManifest.from_bytes(envelope.verified(self._key))
        manifest.check(pipeline=pipeline, version=version)
        return SignedModel(manifest, envelope)

    def check_archive(self, model_data_url: str, manifest: SignedManifest) -> None:
        """Compare the checksum of the archive as it is; only then look into it.

        Raises
        ------
        ModelRefusedError
            If it is not the one that was signed, or has a file that no model consists of.
        """
        with closing(open_archive(self._client, model_data_url)) as stream:
            sha256, _ = sha256_of(stream)
        manifest.check_archive(sha256)
        with closing(open_archive(self._client, model_data_url)) as stream:
            inspect_model(stream)


def _place(url: str) -> tuple[str, str]:
    place = urlparse(url)
    return place.netloc, place.path.lstrip("/")
