"""Profiles of accepted files, in the data bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.aws.curated_names import profile_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class IngestProfiles:
    """One document for each file.

    Parameters
    ----------
    client : S3Client
        May write below ``profiles/ingest/``.
    bucket : str
        The data bucket.
    """

    client: S3Client
    bucket: str

    def keep(self, profile: Mapping[str, Any], *, source: str, day: str) -> None:
        """Write the profile of the rows that came from `source`; the same source again replaces it."""
        self.client.put_object(
            Bucket=self.bucket,
            Key=profile_key(source, day),
            Body=json.dumps(profile, ensure_ascii=True, separators=(",", ":")).encode(),
            ContentType="application/json",
        )
