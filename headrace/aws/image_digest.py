"""Which image a URI stands for: the digest of its content."""

from __future__ import annotations

import re
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

_URI = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.[^/]+/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?")


class DigestError(Exception):
    """The digest cannot be known; the text says why."""


class Manifests(Protocol):
    """What is needed from ECR's client."""

    def batch_get_image(self, **arguments: Any) -> dict[str, Any]:
        """Return the manifests of images."""
        ...


class ImageDigests:
    """Images in ECR. What pulls an image may ask for its manifest, in the registries of AWS, too."""

    def __init__(self, client: Manifests) -> None:
        self._client = client

    def digest(self, uri: str) -> str:
        """Return ``sha256:`` and 64 hexadecimal digits for an image's URI.

        Raises
        ------
        DigestError
            If the URI is none of ECR, or ECR does not tell.
        """
        if found := re.search(r"@(sha256:[0-9a-f]{64})$", uri):
            return found[1]
        match = _URI.fullmatch(uri)
        if match is None:
            raise DigestError(f"{uri} is no image in ECR")
        try:
            answer = self._client.batch_get_image(
                registryId=match["account"],
                repositoryName=match["repository"],
                imageIds=[{"imageTag": match["tag"] or "latest"}],
            )
        except (ClientError, BotoCoreError) as error:
            raise DigestError(f"ECR does not tell: {error}") from None
        for image in answer["images"]:
            return str(image["imageId"]["imageDigest"])
        reasons = [failure.get("failureReason", "") for failure in answer.get("failures", [])]
        raise DigestError(f"ECR does not know it: {'; '.join(reasons) or 'no image'}")
