"""Files under ``incoming/``, and what becomes of them in the data bucket."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.refusal_records import file_record

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INCOMING = "incoming/"
RETRIES = f"{INCOMING}retry/"
"""Rows that were refused once and are dropped again."""
REWRITTEN = "headrace-rewritten"
"""Metadata of what an erasure has left of a file: it is not taken once more."""
MARKER, MANIFEST = "_SUCCESS", ".manifest.json"
GONE = ("NoSuchKey", "NoSuchVersion", "404")
_CHUNK = 2**20
_COPYING = TransferConfig(
    multipart_chunksize=2**27, max_concurrency=20
)  # S3 copies; nothing passes through here
_LONGEST_KEY = (
    900  # bytes, of the 1024 that S3 and DynamoDB allow once a prefix, a time and a version are added
)


def short_key(key: str) -> str:
    """Return `key`, or the SHA-256 of one that is too long for anything to be added to it.

    Examples
    --------
    >>> short_key("2011-01.csv"), len(short_key(1000 * "x"))
    ('2011-01.csv', 64)
    """
    data = key.encode()
    return key if len(data) <= _LONGEST_KEY else hashlib.sha256(data).hexdigest()


def quarantine_prefix(key: str, version_id: str) -> str:
    """Return where everything lies that was refused of one version of a file.

    Examples
    --------
    >>> quarantine_prefix("incoming/2011-01.csv", "v1")
    'quarantine/2011-01.csv/v1/'
    """
    return f"quarantine/{short_key(key.removeprefix(INCOMING))}/{version_id}/"


def says_complete(key: str) -> bool:
    """Tell whether an object holds no data but says that a batch is complete, by the names that its key may have.

    Examples
    --------
    >>> [says_complete(f"incoming/{name}") for name in ("x/_SUCCESS", "x.manifest.json", "x_SUCCESS", "a.csv")]
    [True, True, False, False]
    """
    name = key.rpartition("/")[2]
    return name == MARKER or name.endswith(MANIFEST)


@dataclass(frozen=True)
class DroppedFile:
    """One version of one object under ``incoming/``.

    Parameters
    ----------
    bucket, key : str
        Where it is. EventBridge gives the key as it is, not URL-encoded.
    version_id : str
        Which version; a later object of the same key is another file.
    size_bytes : int
        As the event says.
    dropped_at : str
        ISO 8601, UTC; the same each time the event is delivered.
    sequencer : str
        Hexadecimal; of two versions of one key the greater is the later, also within one second.
    """

    bucket: str
    key: str
    version_id: str
    size_bytes: int
    dropped_at: str
    sequencer: str = ""

    @classmethod
    def from_event(cls, event: Mapping[str, Any], *, below: str = INCOMING) -> DroppedFile:
        """Read EventBridge's ``Object Created`` of S3, for an object that was dropped `below` that prefix.

        Raises
        ------
        KeyError
            If the event lacks something; the text names it.
        ValueError
            If it is about an object that was not dropped.

        References
        ----------
        .. [1] S3 user guide, "EventBridge event message structure".
        """
        item = event["detail"]["object"]
        if not item["key"].startswith(below):
            raise ValueError(f"{item['key']!r} is not under {below}: it is no dropped file")
        return cls(
            bucket=event["detail"]["bucket"]["name"],
            key=item["key"],
            version_id=item.get("version-id", "null"),
            size_bytes=int(item.get("size", 0)),
            dropped_at=event["time"],
            sequencer=item.get("sequencer", ""),
        )

    def as_event(self) -> dict[str, Any]:
        """Return what `from_event` reads: for whoever is to take the file once more.

        Examples
        --------
        >>> file = DroppedFile("data", "batch/a.csv", "v1", 7, "2026-01-31T10:00:00Z", "0055")
        >>> DroppedFile.from_event(file.as_event(), below="batch/") == file
        True
        """
        item = {"key": self.key, "version-id": self.version_id, "size": self.size_bytes}
        detail = {"bucket": {"name": self.bucket}, "object": {**item, "sequencer": self.sequencer}}
        return {"time": self.dropped_at, "detail": detail}

    @property
    def identity(self) -> dict[str, str]:
        """What makes it this file and no other."""
        return {"bucket": self.bucket, "key": self.key, "version_id": self.version_id}

    @property
    def source(self) -> str:
        """What its rows are said to come from."""
        return f"{self.key}#{self.version_id}"

    @property
    def digest(self) -> str:
        """32 hexadecimal digits for it, for names that are as long for every file."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:32]

    @property
    def named(self) -> dict[str, str]:
        """What is said about it wherever something of it is refused."""
        return {"file": self.key, "version_id": self.version_id, "dropped_at": self.dropped_at}

    @property
    def is_folder(self) -> bool:
        """Whether it is a console's placeholder for a folder."""
        return self.key.endswith("/") and self.size_bytes == 0

    @property
    def is_retry(self) -> bool:
        """Whether its rows were refused before, as rows of another file."""
        return self.key.startswith(RETRIES)

    @property
    def quarantine_prefix(self) -> str:
        """Where its refused rows go."""
        return quarantine_prefix(self.key, self.version_id)

    @property
    def records_key(self) -> str:
        """Where the records of what was refused go: Athena reads the files of one folder as one table."""
        return f"refusals/{self.digest}.jsonl.gz"


class DroppedFiles:
    """Reads dropped files and writes to quarantine."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def fetch(self, file: DroppedFile, path: Path) -> str:
        """Write the bytes of exactly this version to `path`, and return their SHA-256.

        Raises
        ------
        FileRefusedError
            If the version was deleted meanwhile.
        """
        digest = hashlib.sha256()
        try:
            body = self._client.get_object(**address(file))["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            why = "the file was deleted before it could be read: drop it again"
            raise FileRefusedError(FileReason.OBJECT_MISSING, why) from None
        with path.open("wb") as target:
            for chunk in body.iter_chunks(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        return digest.hexdigest()

    def was_rewritten(self, file: DroppedFile) -> bool:
        """Tell whether this version is what an erasure has left of a file that was taken already."""
        try:
            found = self._client.head_object(**address(file))
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return False
        return REWRITTEN in found["Metadata"]

    def keep_rows(self, file: DroppedFile, rejected: Path, records: Path, reason: Mapping[str, Any]) -> None:
        """Write refused rows to quarantine, a record of each, and the reasons."""
        self._client.upload_file(str(rejected), file.bucket, f"{file.quarantine_prefix}rejected.csv")
        self._client.upload_file(str(records), file.bucket, file.records_key)
        self._put_reason(file, reason)

    def keep_whole(self, file: DroppedFile, reason: Mapping[str, Any], *, copy: bool = True) -> None:
        """Copy a refused file to quarantine as it is, if it is still there, with a record and the reason beside it.

        Without `copy` it stays where it was dropped, and the reason says so: nothing of it may lie elsewhere.
        """
        if not copy:
            reason = {**reason, "original": f"s3://{file.bucket}/{file.key}?versionId={file.version_id}"}
        elif reason["code"] != FileReason.OBJECT_MISSING:
            self._client.copy(
                address(file),
                file.bucket,
                f"{file.quarantine_prefix}original",
                # Copying tags takes permissions of their own, and fails without them where an object has tags.
                ExtraArgs={"TaggingDirective": "REPLACE"},
                Config=_COPYING,
            )
        record = file_record({**file.named, **reason}, reason["code"])
        self._put(file, file.records_key, gzip.compress(record.encode()))
        self._put_reason(file, reason)

    def _put_reason(self, file: DroppedFile, reason: Mapping[str, Any]) -> None:
        body = json.dumps({**file.named, **reason}, indent=1).encode()
        self._put(file, f"{file.quarantine_prefix}reason.json", body)

    def _put(self, file: DroppedFile, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=file.bucket, Key=key, Body=body)


def address(file: DroppedFile) -> Any:
    """Return the arguments by which a call names exactly this version."""
    version = {} if file.version_id == "null" else {"VersionId": file.version_id}
    return {"Bucket": file.bucket, "Key": file.key, **version}
