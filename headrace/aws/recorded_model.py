"""A registered model and all that it was made from, fetched as it was: by the versions of its objects, checked by their hashes."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.model_signature import signed_manifest
from headrace.aws.model_versions import ModelVersions
from headrace.ml.reproduction.digest import json_sha256
from headrace.ml.supply_chain.archive import scan
from headrace.ml.supply_chain.model_archive import inspecting
from headrace.ml.supply_chain.refusal import ModelRefusedError
from headrace.ml.supply_chain.signed_manifest import SignedManifest

_GONE = ("NoSuchVersion", "NoSuchKey", "404", "NoSuchBucket")
_CHANNELS = ("train", "validation", "spec")
_MANAGED_CODE = "code/"


class LostEvidenceError(Exception):
    """Something that a model was made from is not there any more, or is not what it was; the text says what."""


@dataclass(frozen=True)
class RecordedModel:
    """One version of a pipeline's models.

    Parameters
    ----------
    pipeline : DeployedPipeline
        Whose model it is.
    version : int
        Of the model package.
    provenance : mapping
        What its training has written down.
    signed : SignedManifest or None
        What was signed about it; None where an earlier release of Headrace has registered it.
    """

    pipeline: DeployedPipeline
    version: int
    provenance: Mapping[str, Any]
    signed: SignedManifest | None = None

    @classmethod
    def find(cls, pipeline: DeployedPipeline, version: int) -> RecordedModel:
        """Return a version with its provenance, which must be the one that it was registered with.

        Raises
        ------
        LostEvidenceError
            If there is none, or somebody has changed it, or what was signed about the model.
        """
        package = ModelVersions(pipeline).package(version)
        where = package.metadata.get("provenance")
        if where is None:
            raise LostEvidenceError(
                f"v{version} was registered without a provenance, by an earlier release of Headrace"
            )
        body = RecordedObjects(pipeline).read({"uri": where, "version_id": None, "sha256": None})
        document = json.loads(body)
        if json_sha256(document["data"]["objects"]) != package.metadata.get("objects_sha256"):
            raise LostEvidenceError(
                f"{where} is not what v{version} was registered with: it was changed since"
            )
        try:
            return cls(pipeline, version, document, signed_manifest(pipeline, package))
        except ModelRefusedError as error:
            raise LostEvidenceError(f"v{version} is refused: {error}") from None

    def lay_out(self, folder: Path) -> int:
        """Write what the training has read as its channels below `folder`; return how many objects it were.

        Raises
        ------
        LostEvidenceError
            Naming the first object that is gone or is not what it was.
        """
        objects, data = RecordedObjects(self.pipeline), self.provenance["data"]
        if data["manifest"] is None or not data["objects"]:
            raise LostEvidenceError(f"the provenance of v{self.version} names no objects")
        objects.read(data["manifest"])
        for stored in data["objects"]:
            channel, name = _place(stored["uri"])
            path = folder / channel / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(objects.read(stored))
        return len(data["objects"])

    def files(self) -> dict[str, bytes]:
        """Return the files of the recorded ``model.tar.gz``, without the code that a managed image adds.

        Raises
        ------
        LostEvidenceError
            If the archive is gone, not the one that was signed, or no archive. It is not unpacked before that is known.
        """
        stored = self.provenance["model"]["object"]
        if stored is None:
            raise LostEvidenceError(f"the provenance of v{self.version} names no model.tar.gz")
        archive = RecordedObjects(self.pipeline).read(stored)
        try:
            if self.signed:
                self.signed.check_archive(hashlib.sha256(archive).hexdigest())
            return archived_files(archive)
        except ModelRefusedError as error:
            raise LostEvidenceError(f"{stored['uri']} is refused: {error}") from None


def archived_files(archive: bytes) -> dict[str, bytes]:
    """Return the files of a model's archive by name."""
    found = dict[str, bytes]()
    scan(io.BytesIO(archive), inspecting(lambda name, chunks: found.update({name: b"".join(chunks)})))
    return {name: content for name, content in found.items() if not name.startswith(_MANAGED_CODE)}


class RecordedObjects:
    """Objects of a pipeline as they were."""

    def __init__(self, pipeline: DeployedPipeline) -> None:
        self._client = pipeline.session.client("s3")

    def read(self, stored: Mapping[str, Any]) -> bytes:
        """Return the content of an object's recorded version; if that is gone, of the latest, if it has the same hash."""
        version = stored["version_id"]
        body = self._get(stored["uri"], version)
        if body is None and version and stored["sha256"]:
            body = self._get(stored["uri"], None)
            if body is not None and hashlib.sha256(body).hexdigest() != stored["sha256"]:
                body = None
        if body is None:
            told = f"version {version} of " if version else ""
            raise LostEvidenceError(
                f"{told}{stored['uri']} is gone, so the model cannot be made again from what it was made from"
            )
        if stored["sha256"] and hashlib.sha256(body).hexdigest() != stored["sha256"]:
            raise LostEvidenceError(f"{stored['uri']} is not what was recorded: its SHA-256 differs")
        return body

    def _get(self, uri: str, version: str | None) -> bytes | None:
        place = urlparse(uri)
        named: dict[str, Any] = {"VersionId": version} if version and version != "null" else {}
        try:
            answer = self._client.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"), **named)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return answer["Body"].read()


def _place(uri: str) -> tuple[str, str]:
    """Return the channel of an object of a snapshot, and its name in it.

    Examples
    --------
    >>> _place("s3://b/snapshots/0123456789abcdef/train/part-00000.parquet")
    ('train', 'part-00000.parquet')
    """
    channel, _, name = urlparse(uri).path.lstrip("/").split("/", 2)[2].partition("/")
    if channel not in _CHANNELS or "/" in name or name in ("", ".", ".."):
        raise LostEvidenceError(f"{uri} is no object of a snapshot")
    return channel, name
