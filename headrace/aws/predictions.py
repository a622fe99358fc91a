"""Recorded predictions: a row for each prediction in Parquet, and the profile of the rows beside it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.aws.captured_data import read_objects
from headrace.aws.captured_profiles import CapturedProfile
from headrace.aws.written_once import put_once

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NEIGHBOURS = (timedelta(hours=-1), timedelta(), timedelta(hours=1))


@dataclass(frozen=True)
class Portion:
    """Captured objects of one variant and hour that are recorded together.

    Parameters
    ----------
    variant : str
        Who answered.
    hour : datetime
        Under which they were captured, in UTC.
    chunk : int
        Number of the chunk of which they are a part; numbers of a variant only grow.
    keys : tuple of str
        Of the captured objects.
    """

    variant: str
    hour: datetime
    chunk: int
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the files of the portion are called: the same for the same work.

        Examples
        --------
        >>> Portion("v3", datetime(2026, 1, 31, 10), 7, ("a", "b")).name
        '8c5e9c3eff1a8afc5c835342cc35475b'
        """
        work = "\n".join([f"{self.chunk}", *self.keys])
        return hashlib.sha256(work.encode()).hexdigest()[:32]


class RecordedPredictions:
    """Writes below ``predictions/``, ``profiles/`` and ``recorded/`` of one bucket.

    Every object is written once: one that is there already was written by a run that did the same work and was ended
    before it could say so.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def write_rows(self, portion: Portion, rows: pa.Table) -> tuple[str, int]:
        """Write the rows of a portion as Parquet; the same rows as the same bytes. Return the key, and how many bytes."""
        buffer = io.BytesIO()
        # Of all codecs, the Arrow of AWS's layer has only Snappy and gzip.
        pq.write_table(rows, buffer, compression="snappy", row_group_size=2**17)
        folder = f"predictions/variant={portion.variant}/date={portion.hour:%Y-%m-%d}"
        key, body = f"{folder}/{portion.name}.parquet", buffer.getvalue()
        put_once(self._client, self._bucket, key, body)
        return key, len(body)

    def write_profile(self, portion: Portion, profile: CapturedProfile) -> None:
        """Write the profile of a portion, in whose hour a check finds it."""
        body = json.dumps(profile.as_dict(), separators=(",", ":")).encode()
        put_once(self._client, self._bucket, f"profiles/{_hour(portion)}/{portion.name}.json", body)

    # --- which requests have been recorded

    def write_events(self, portion: Portion, digests: Set[int]) -> None:
        """Note which requests a portion holds, by the digests of their ids."""
        # The number comes first, so that requests of earlier chunks are told from those of later ones.
        key = f"recorded/{_hour(portion)}/{portion.chunk:010d}-{portion.name}"
        put_once(self._client, self._bucket, key, np.array(sorted(digests), ">u8").tobytes())

    def events_before(self, portion: Portion) -> set[int]:
        """Return the digests of the requests that earlier chunks recorded in the hour of a portion and in those beside it.

        A request is delivered twice with the same time, and a batch of them is filed under the hour of its first.
        """
        keys = [key for beside in _NEIGHBOURS for key in self._list_events(portion, beside)]
        earlier = [key for key in keys if int(key.rsplit("/", 1)[1].partition("-")[0]) < portion.chunk]
        found = read_objects(self._client, self._bucket, earlier)
        return {digest for body in found for digest in np.frombuffer(body, ">u8").tolist()}

    def _list_events(self, portion: Portion, beside: timedelta) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=f"recorded/{portion.variant}/{portion.hour + beside:%Y/%m/%d/%H}/",
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


def digest_of(event_id: str) -> int:
    """Return a short digest of an event id; eight bytes tell millions apart.

    Examples
    --------
    >>> digest_of("e1") == digest_of("e1"), digest_of("e1") == digest_of("e2")
    (True, False)
    """
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=8).digest(), "big")


def _hour(portion: Portion) -> str:
    return f"{portion.variant}/{portion.hour:%Y/%m/%d/%H}"
