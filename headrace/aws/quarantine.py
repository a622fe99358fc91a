"""The quarantine of a deployed pipeline: what lies there, and its second way in."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headrace.aws.dropped_files import INCOMING, RETRIES, quarantine_prefix, short_key
from headrace.aws.file_ledger import FileLedger
from headrace.aws.incoming_files import IncomingFiles
from headrace.aws.refusal_ledger import Refusal, RefusalLedger, Retry
from headrace.ml.files.refusal import FileReason
from headrace.ml.refused_rows import RefusedRows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

_MARK = "headrace-retry-of"
_CLOCKS_DIFFER = timedelta(minutes=5)
_GONE = ("NoSuchKey", "404")


class NothingToRetryError(Exception):
    """There is nothing that could be dropped again; the text says why, and what to do."""


@dataclass(frozen=True)
class Life:
    """What has become of the rows of a file so far, retries included.

    Parameters
    ----------
    accepted, in_quarantine, on_the_way : int
        Rows that can be trained on; rows that wait for somebody; rows that were dropped again and not yet read.
    """

    accepted: int = 0
    in_quarantine: int = 0
    on_the_way: int = 0

    @property
    def received(self) -> int:
        """All rows of the file: each is in exactly one of the three places."""
        return self.accepted + self.in_quarantine + self.on_the_way

    def __add__(self, other: Life) -> Life:
        """Return both together."""
        return Life(
            self.accepted + other.accepted,
            self.in_quarantine + other.in_quarantine,
            self.on_the_way + other.on_the_way,
        )


class Quarantine:
    """What was refused by one pipeline.

    Parameters
    ----------
    client : S3Client
        With the permissions of whoever asks.
    bucket : str
        The data bucket.
    ledger : Table
        The ledger.
    """

    def __init__(self, client: S3Client, bucket: str, ledger: Table) -> None:
        self._client, self._bucket = client, bucket
        self._refusals, self._files = RefusalLedger(ledger), FileLedger(ledger)

    def refusals(self, *, since: str = "", reason: str | None = None) -> list[Refusal]:
        """Return what was refused of files that were dropped at `since` or later, the oldest first."""
        found = self._refusals.all(since=since)
        return [refusal for refusal in found if reason is None or reason in refusal.codes]

    def of_file(self, name: str) -> list[Refusal]:
        """Return what was refused of the versions of a file, the oldest first; `name` may lack ``incoming/``."""
        key = INCOMING + name.removeprefix(f"s3://{self._bucket}/").removeprefix(INCOMING)
        return list(self._refusals.all(key=key))

    def places(self, refusal: Refusal) -> list[str]:
        """Return the URIs of the objects that hold it."""
        prefix = quarantine_prefix(refusal.key, refusal.version_id)
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", [])
        return [f"s3://{self._bucket}/{item['Key']}" for item in found]

    def reason(self, refusal: Refusal) -> dict[str, Any]:
        """Return counts by column and reason, and examples; nothing if quarantine has forgotten the file."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=_key(refusal, "reason.json"))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return {}
        found: dict[str, Any] = json.loads(answer["Body"].read())
        return found

    def life(self, refusal: Refusal, rows: int = 0) -> Life:
        """Follow the rows of a file through its retries.

        Parameters
        ----------
        refusal : Refusal
            What was refused of the file.
        rows : int
            How many rows it has, if it was refused whole: nobody knows before a retry succeeds, unless a retry made it.
        """
        retry = refusal.retry
        if retry is None or not retry.key or not retry.version_id:
            return Life(refusal.accepted, rows if refusal.refused else refusal.quarantined)
        moved = rows if refusal.refused else retry.rows
        kept = Life(refusal.accepted, refusal.waiting_rows)
        record = self._files.find(retry.key, retry.version_id, _since(retry))
        if record is None:
            return kept + Life(on_the_way=moved)
        again = self._refusal(retry.key, retry.version_id)
        return kept + (self.life(again, moved) if again else Life(record.rows))

    def retry(self, refusal: Refusal, now: datetime) -> Retry:
        """Drop what was refused again: the whole file under its own key, or the rows that may be judged anew.

        Nobody can do it twice: whoever comes second finds the right taken. After a crash in between, what was dropped
        already is found by its mark.

        Raises
        ------
        BusyError
            If it was retried already, or is being retried.
        NothingToRetryError
            If nothing that was refused is left, or no retry can change the verdict.
        """
        self._refusals.claim(refusal, now)
        key = refusal.key if refusal.refused else _retry_key(refusal)
        rows = 0
        try:
            dropped = refusal.retry and self._dropped(refusal, key)
            if not refusal.refused:
                rows = self._drop_rows(refusal, key, dropped=bool(dropped))
            elif not dropped:
                self._drop_file(refusal)
        except (NothingToRetryError, ClientError):  # nothing was dropped; after anything else, nobody knows
            self._refusals.release(refusal)
            raise
        retry = Retry(now.isoformat(timespec="seconds"), key, dropped or self._dropped(refusal, key), rows)
        self._refusals.settle(refusal, retry)
        return retry

    def _drop_file(self, refusal: Refusal) -> None:
        if refusal.refused == FileReason.OBJECT_MISSING:
            raise NothingToRetryError(f"{refusal.key} was deleted before it could be read: drop it again")
        source: Any = {"Bucket": self._bucket, "Key": _key(refusal, "original")}
        if "original" in self.reason(refusal):  # it was not copied: personal data lies where it was dropped
            source = {"Bucket": self._bucket, "Key": refusal.key, "VersionId": refusal.version_id}
        try:
            self._client.copy(
                source,
                self._bucket,
                refusal.key,
                ExtraArgs={
                    "Metadata": {_MARK: refusal.version_id},
                    "MetadataDirective": "REPLACE",
                    "TaggingDirective": "REPLACE",
                },
            )
        except ClientError as error:
            raise self._explained(error, refusal) from None

    def _drop_rows(self, refusal: Refusal, key: str, *, dropped: bool) -> int:
        """Drop the rows that may be judged anew, unless that was done, and return how many they are."""
        with tempfile.TemporaryDirectory() as folder:
            rejected, again = Path(folder, "rejected.csv"), Path(folder, "again.parquet")
            try:
                self._client.download_file(self._bucket, _key(refusal, rejected.name), str(rejected))
            except ClientError as error:
                raise self._explained(error, refusal) from None
            rows = RefusedRows(rejected).write_again(again)
            if not rows:
                why = "each has a newer row with its id, or has to be edited by hand"
                raise NothingToRetryError(f"no row of {refusal.key} can be judged otherwise: {why}")
            if not dropped:
                metadata = {"Metadata": {_MARK: refusal.version_id}}
                self._client.upload_file(str(again), self._bucket, key, ExtraArgs=metadata)
        return rows

    def _dropped(self, refusal: Refusal, key: str) -> str | None:
        """Return the version that a retry has dropped, if it has."""
        for version in IncomingFiles(self._client, self._bucket).versions(key):
            if version.key != key or version.size_bytes is None:
                continue
            found = self._client.head_object(Bucket=self._bucket, Key=key, VersionId=version.version_id)
            if found["Metadata"].get(_MARK) == refusal.version_id:
                return version.version_id
        return None

    def _explained(self, error: ClientError, refusal: Refusal) -> Exception:
        if error.response["Error"]["Code"] not in _GONE:
            return error
        why = "quarantine keeps what was refused for a limited time (`quarantine.keep_days`): drop it again"
        return NothingToRetryError(f"what was refused of {refusal.key} is no longer there; {why}")

    def _refusal(self, key: str, version_id: str) -> Refusal | None:
        found = self._refusals.all(key=key)
        return next((refusal for refusal in found if refusal.version_id == version_id), None)


def _key(refusal: Refusal, name: str) -> str:
    return quarantine_prefix(refusal.key, refusal.version_id) + name


def _retry_key(refusal: Refusal) -> str:
    name = refusal.key.removeprefix(INCOMING)
    if refusal.key.startswith(RETRIES):  # the rows of a retry: still those of the first file
        name = refusal.key.removeprefix(RETRIES).rpartition("/")[0]
    return f"{RETRIES}{short_key(name)}/{refusal.version_id}.parquet"


def _since(retry: Retry) -> str:
    moment = datetime.fromisoformat(retry.claimed_at) - _CLOCKS_DIFFER
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
