"""Reads curated files and writes snapshots, as Parquet in S3."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class CuratedFile:
    """One curated file as it was read.

    Parameters
    ----------
    uri : str
        Where it is.
    version_id : str or None
        The object's version; None in a bucket without versions.
    sha256 : str
        Of its bytes.
    table : Table
        Its rows.
    """

    uri: str
    version_id: str | None
    sha256: str
    table: pa.Table

    def as_dict(self) -> dict[str, Any]:
        """Return what a manifest says about it."""
        return {
            "uri": self.uri,
            "version_id": self.version_id,
            "sha256": self.sha256,
            "rows": self.table.num_rows,
        }


def read_curated(client: S3Client, uri: str) -> CuratedFile:
    """Read one Parquet file, and note exactly which bytes were read."""
    place = urlparse(uri)
    answer = client.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    body = answer["Body"].read()
    return CuratedFile(
        uri,
        answer.get("VersionId"),
        hashlib.sha256(body).hexdigest(),
        pq.read_table(io.BytesIO(body), partitioning=None),
    )


class SnapshotStore:
    """Writes the files of one snapshot below ``snapshots/`` of the artifacts bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write_table(self, key: str, table: pa.Table) -> str:
        """Write rows as Parquet, the same rows as the same bytes, and return the checksum."""
        buffer = io.BytesIO()
        # Of all codecs, the Arrow of AWS's layer has only Snappy and gzip.
        pq.write_table(
            table.replace_schema_metadata(None), buffer, compression="snappy", row_group_size=2**17
        )
        return self._put(key, buffer.getvalue())

    def write_json(self, key: str, document: Mapping[str, Any]) -> str:
        """Write a document with sorted keys, and return the checksum."""
        return self._put(key, json.dumps(document, sort_keys=True, indent=1).encode())

    def uri(self, key: str) -> str:
        """Return where `key` is."""
        return f"s3://{self._bucket}/{key}"

    def _put(self, key: str, body: bytes) -> str:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
        return hashlib.sha256(body).hexdigest()
