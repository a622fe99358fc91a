"""Profiles of captured rows: what a drift check merges, instead of reading the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from headrace.aws.capture_window import StoredObject
from headrace.aws.captured_data import list_objects, read_objects
from headrace.ml.profile import Profile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class CapturedProfile:
    """The profile of some captured requests of one variant, and what the requests were worth.

    Parameters
    ----------
    profile : Profile
        Of the rows and the predictions, in the bins of the variant's baseline.
    span : tuple of datetime or None
        Time of the first and of the last request, in UTC; None without requests.
    requests, unreadable, duplicates : int
        Captured records: those that were profiled; those that are none, or do not fit the schema; and those that were
        delivered a second time.
    """

    profile: Profile
    span: Span | None = None
    requests: int = 0
    unreadable: int = 0
    duplicates: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "from": self.span and self.span[0].isoformat(),
            "to": self.span and self.span[1].isoformat(),
            "requests": self.requests,
            "unreadable": self.unreadable,
            "duplicates": self.duplicates,
            "profile": self.profile.as_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        span = None
        if document["from"]:
            span = datetime.fromisoformat(document["from"]), datetime.fromisoformat(document["to"])
        counts = {name: int(document[name]) for name in ("requests", "unreadable", "duplicates")}
        return cls(Profile.from_dict(document["profile"]), span, **counts)


class CapturedProfiles:
    """The objects below ``profiles/<variant>/yyyy/mm/dd/hh/`` of one bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def list_objects(self, variant: str, first_hour: str) -> list[StoredObject]:
        """Return the profiles of `variant` from the partition `first_hour` on; all if it is empty."""
        return list_objects(self._client, self._bucket, f"profiles/{variant}/", first_hour)

    def read(self, keys: Sequence[str]) -> Iterator[CapturedProfile]:
        """Yield the profiles of `keys`, in that order."""
        for body in read_objects(self._client, self._bucket, keys):
            yield CapturedProfile.from_dict(json.loads(body))
