"""Labels that wait for their predictions, and what a join of them has planned.

A join is a plan, ``feedback/join.json``: which batches of labels it takes. Whoever opens it has the right to it for as long
as a function can run; if that one is stopped, the next goes on with the same plan under the same name, so that everything
that is named after the plan is written once.

References
----------
.. [1] Amazon S3 user guide, "How to prevent object overwrites with conditional writes".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from headrace.ml.ahead import several_ahead
from headrace.ml.feedback_labels import LABELS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = "feedback/"
WAITING, EXPIRED, PLAN = f"{FOLDER}waiting/", f"{FOLDER}expired/", f"{FOLDER}join.json"
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
_MISSING = ("NoSuchKey", "404")
_AT_ONCE = 8
_BYTES_OF_A_LABEL = 20  # in Parquet: an id that nobody can guess takes more, repeated ones less


class BusyError(Exception):
    """Another join is under way."""


@dataclass(frozen=True)
class Plan:
    """What a join does.

    Parameters
    ----------
    name : str
        Which join; what it writes is named after it.
    began_at : str
        ISO 8601, UTC: when it was planned.
    batches : tuple of str
        Keys of the labels that it takes.
    until : str
        ISO 8601, UTC: until when nobody else may go on with it.
    labelled : tuple of str or None
        Keys of the labelled files that it has changed, once all are; None before.
    counts : mapping of str to int
        What has become of the labels, once that is known.
    """

    name: str
    began_at: str
    batches: tuple[str, ...]
    until: str
    labelled: tuple[str, ...] | None = None
    counts: dict[str, int] | None = None


class WaitingLabels:
    """The objects below ``feedback/`` of the artifacts bucket.

    Parameters
    ----------
    client : S3Client
        May list, read, write and delete there.
    bucket : str
        The bucket.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def add(self, name: str, labels: pa.Table) -> None:
        """Let labels wait as the batch `name`, in place of those that may wait as such; none are no batch."""
        key = f"{WAITING}{name}.parquet"
        if labels.num_rows:
            self._put(key, labels)
        else:
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def read(self, batches: Sequence[str]) -> pa.Table:
        """Return the labels of some batches, in the order in which they arrived.

        A batch that is gone was dealt with by a run that was stopped before it could say so.
        """
        present = {item["Key"] for item in self._listed()}
        tables = several_ahead(self._read, (key for key in batches if key in present), _AT_ONCE)
        return pa.concat_tables([LABELS.empty_table(), *tables]).sort_by("received_at")

    def expire(self, name: str, labels: pa.Table) -> None:
        """Put labels away for which no prediction will come."""
        self._put(f"{EXPIRED}{name}.parquet", labels)

    def open_plan(
        self, now: datetime, takes: timedelta, most_labels: int, *, but: Collection[str] = ()
    ) -> Plan | None:
        """Return what is to be done: what another has left undone, or a new plan; None if no label waits.

        Parameters
        ----------
        now : datetime
            In UTC.
        takes : timedelta
            For how long nobody else may go on with it.
        most_labels : int
            About how many labels it takes.
        but : collection of str
            Names of batches that are not worth another try yet; they are taken along if there are others.

        Raises
        ------
        BusyError
            If somebody is at it.
        """
        present, etag = self._plan()
        until = (now + takes).isoformat()
        if present:
            if datetime.fromisoformat(present.until) > now:
                raise BusyError("another join is under way")
            return self._write_plan(replace(present, until=until), IfMatch=etag)
        batches = self._oldest(most_labels)
        if all(key.removeprefix(WAITING).removesuffix(".parquet") in but for key in batches):
            return None
        name = hashlib.sha256("\n".join([now.isoformat(), *batches]).encode()).hexdigest()[:32]
        return self._write_plan(Plan(name, now.isoformat(), tuple(batches), until), IfNoneMatch="*")

    def joined(self, plan: Plan, labelled: Sequence[str], counts: dict[str, int]) -> Plan:
        """Write down that all labels of `plan` have been joined, and what became of them."""
        return self._write_plan(replace(plan, labelled=tuple(labelled), counts=counts))

    def give_back(self, plan: Plan, now: datetime) -> None:
        """Let the next one go on with a plan at once, because this one has failed."""
        self._write_plan(replace(plan, until=now.isoformat()))

    def close(self, plan: Plan) -> None:
        """Forget the batches of a plan that is done, and the plan last."""
        for start in range(0, len(plan.batches), 1000):
            keys = [{"Key": key} for key in plan.batches[start : start + 1000]]
            self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})  # type: ignore[typeddict-item]
        self._client.delete_object(Bucket=self._bucket, Key=PLAN)

    def _oldest(self, most_labels: int) -> list[str]:
        """Return the batches to be taken together: those that have waited longest, with about so many labels."""
        chosen: list[str] = []
        size = 0
        for item in sorted(self._listed(), key=lambda item: (item["LastModified"], item["Key"])):
            if chosen and size > most_labels * _BYTES_OF_A_LABEL:
                break
            chosen.append(item["Key"])
            size += item["Size"]
        return chosen

    def _listed(self) -> list[Any]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=WAITING)
        return [item for page in pages for item in page.get("Contents", [])]

    def _plan(self) -> tuple[Plan | None, str]:
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=PLAN, MaxKeys=1)
        if not page.get("Contents"):
            return None, ""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=PLAN)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None, ""
            raise
        document = json.loads(answer["Body"].read())
        tuples = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
        return Plan(**{**document, **tuples}), answer["ETag"]

    def _write_plan(self, plan: Plan, **condition: Any) -> Plan:
        body = json.dumps(asdict(plan), indent=1).encode()
        try:
            self._client.put_object(Bucket=self._bucket, Key=PLAN, Body=body, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN:
                raise BusyError("another join has begun at the same moment") from None
            raise
        return plan

    def _read(self, key: str) -> pa.Table:
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return pq.read_table(pa.BufferReader(body), schema=LABELS)

    def _put(self, key: str, labels: pa.Table) -> None:
        body = pa.BufferOutputStream()
        pq.write_table(labels, body)
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body.getvalue().to_pybytes())
