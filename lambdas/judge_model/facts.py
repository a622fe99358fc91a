"""Finds out where a model comes from: versions and checksums of objects, the image's digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlparse

from headrace.aws.image_digest import DigestError
from headrace.aws.object_versions import ObjectVersion
from lambdas.judge_model.provenance import Facts, Stored
from lambdas.judge_model.settings import Settings

_READ = ("train", "validation", "spec")
"""Folders of a snapshot that a training reads."""


class Documents(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, or None if there is none."""
        ...

    def read(self, key: str) -> bytes | None:
        """Return the object at `key`, or None if there is none."""
        ...

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write a JSON document."""
        ...

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> None:
        """Write bytes."""
        ...


class Versions(Protocol):
    """What this function needs from S3's versions."""

    def latest(self, uri: str) -> list[ObjectVersion]:
        """Return the latest version of every object below a prefix."""
        ...


class Images(Protocol):
    """What this function needs from ECR."""

    def digest(self, uri: str) -> str:
        """Return the digest of an image; `DigestError` if it cannot be known."""
        ...


@dataclass(frozen=True)
class Sources:
    """Everything outside of this function."""

    documents: Documents
    versions: Versions
    images: Images


def find_facts(
    event: Mapping[str, Any], settings: Settings, sources: Sources, made: Mapping[str, Any]
) -> Facts:
    """Return what is known of a training. What cannot be found stays empty, and never stops a training."""
    prefix = f"snapshots/{event['content_hash'][:16]}"
    bucket = f"s3://{settings.artifacts_bucket}"
    checksums = _checksums(prefix, sources.documents)
    stored = {
        item.key: Stored(f"{bucket}/{item.key}", item.version_id, item.size, checksums.get(item.key))
        for item in sources.versions.latest(f"{bucket}/{prefix}/")
    }
    read = tuple(f"{prefix}/{folder}/" for folder in _READ)
    digest, says = _digest(settings.image_uri, sources.images)
    return Facts(
        code=settings.code,
        code_version=settings.code_version,
        image_uri=settings.image_uri,
        image_digest=digest,
        image_says=says,
        manifest=stored.get(f"{prefix}/manifest.json"),
        inputs=[item for key, item in sorted(stored.items()) if key.startswith(read)],
        model=_model(event.get("model_data_url"), sources.versions),
        made=made,
    )


def _checksums(prefix: str, documents: Documents) -> dict[str, str]:
    """Return the checksums of a snapshot's objects: of rows as its manifest has them, of the two documents by reading them."""
    found = {}
    for name in ("manifest.json", "spec/spec.json"):
        if body := documents.read(f"{prefix}/{name}"):
            found[f"{prefix}/{name}"] = hashlib.sha256(body).hexdigest()
            if name == "manifest.json":
                found |= dict(_of_parts(prefix, json.loads(body)))
    return found


def _of_parts(prefix: str, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part, about in manifest.get("parts", {}).items():
        for file in about["files"]:
            yield f"{prefix}/{part}/{file['name']}", file["sha256"]


def _model(url: str | None, versions: Versions) -> Stored | None:
    if not url:
        return None
    key = urlparse(url).path.lstrip("/")
    found: Sequence[ObjectVersion] = [item for item in versions.latest(url) if item.key == key]
    return Stored(url, found[0].version_id, found[0].size) if found else None


def _digest(uri: str, images: Images) -> tuple[str | None, str]:
    try:
        return images.digest(uri), ""
    except DigestError as error:
        return None, str(error)
