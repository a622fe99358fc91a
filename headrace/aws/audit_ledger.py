"""The audit ledger: an object for each entry, written once, and its head in the table of the pipeline's own ledger."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from headrace.aws.conditional_put import put_if
from headrace.ml.audit.chain import (
    BrokenEntryError,
    Entry,
    Head,
    Record,
    chained,
    origin,
    read_entry,
    stored_head,
)
from headrace.ml.audit.verification import Place

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

FOLDER = "ledger/"
"""Where the entries lie, in a bucket of their own."""

AUDIT = "audit"
"""Partition of the pipeline's ledger table: the head, and lines that commands have written."""

_HEAD = {"pk": AUDIT, "sk": "head"}
_RECENT = 400
_ATTEMPTS = 200
_AT_ONCE = 16
_TAKEN, _BUSY = "PreconditionFailed", "ConditionalRequestConflict"


class CrowdedError(Exception):
    """Others have written so many entries meanwhile that this one found no place; to be tried again."""


@dataclass(frozen=True)
class KeptHead:
    """The head as the table has it.

    Parameters
    ----------
    head : Head
        The end of the chain when it was kept; the chain may be longer by what was written just now.
    recent : tuple of str
        Ids of the last entries, by which a happening that is told twice is known.
    """

    head: Head
    recent: tuple[str, ...] = ()


class AuditHead:
    """The item ``head`` of the table: it only ever moves on."""

    def __init__(self, table: Table, pipeline: str) -> None:
        self._table, self._origin = table, origin(pipeline)

    def load(self) -> KeptHead:
        """Return the head that was kept last; the origin if there is none."""
        item: Any = self._table.get_item(Key=_HEAD, ConsistentRead=True).get("Item")
        if item is None:
            return KeptHead(self._origin)
        return KeptHead(Head(int(item["number"]), str(item["hash"])), tuple(map(str, item["recent"])))

    def keep(self, kept: KeptHead) -> None:
        """Keep a head, unless a later one is kept."""
        item = {**_HEAD, "number": kept.head.number, "hash": kept.head.hash, "recent": list(kept.recent)}
        put_if(self._table, item, Attr("pk").not_exists() | Attr("number").lt(kept.head.number))


class AuditLedger:
    """Appends entries, one object for each, and reads them.

    Nobody writes over an entry: an object is put only where there is none. Two who write at the same time get two places, one
    after the other, because only one of them can have the next.

    Parameters
    ----------
    client : S3Client
        May get and put below ``ledger/``; to verify, list versions.
    bucket : str
        The bucket of the records.
    head : AuditHead
        Where the head is kept.
    wait : callable
        Waits so many seconds before another attempt.
    """

    def __init__(
        self, client: S3Client, bucket: str, head: AuditHead, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._bucket, self._head, self._wait = client, bucket, head, wait

    def append(self, record: Record) -> Entry | None:
        """Write down what happened, behind all that was; None if it was written down before.

        Raises
        ------
        CrowdedError
            If others were quicker, time after time.
        """
        kept = self._head.load()
        if record.id in kept.recent:
            return None
        head, passed = kept.head, [*kept.recent]
        for attempt in range(_ATTEMPTS):
            entry = chained(record, head)
            code = self._put(entry)
            if code is None:
                self._head.keep(KeptHead(entry.head, tuple([*passed, record.id][-_RECENT:])))
                return entry
            stored = self._stored(entry.number) if code == _TAKEN else None
            if stored is None:  # somebody is just writing it
                self._wait(random.uniform(0, 0.02 * (attempt + 1)))
                continue
            head = stored_head(entry.number, stored)
            passed += _ids(stored)
            if record.id in passed:
                self._head.keep(KeptHead(head, tuple(passed[-_RECENT:])))
                return None
        raise CrowdedError(f"{_ATTEMPTS} places behind the head were taken by others")

    def newest_first(self) -> Iterator[Entry | None]:
        """Yield the entries, the last one first; None for one that is broken or missing."""
        numbers = range(self._last(), 0, -1)
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            while chunk := [*islice(numbers, _AT_ONCE)]:
                numbers = numbers[len(chunk) :]
                yield from (_whole(stored) for stored in readers.map(self._stored, chunk))

    def places(self) -> Mapping[int, Place]:
        """Return all that is stored, every version of it, by the number in its key."""
        versions: dict[int, list[tuple[str, str]]] = defaultdict(list)
        hidden: set[int] = set()
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=FOLDER
        )
        for page in pages:
            for item in page.get("Versions", []):
                versions[_number(item["Key"])].append((item["Key"], item["VersionId"]))
            hidden |= {_number(item["Key"]) for item in page.get("DeleteMarkers", [])}
        flat = [(number, *each) for number, found in versions.items() for each in found]
        bodies: dict[int, list[bytes]] = defaultdict(list)
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            for (number, _, _), body in zip(flat, readers.map(self._version, flat), strict=True):
                bodies[number].append(body)
        return {number: Place(tuple(bodies[number]), number in hidden) for number in {*bodies, *hidden}}

    # --- objects

    def _put(self, entry: Entry) -> str | None:
        """Put an entry, and return None; or the code of the error if its place is taken, or is being taken."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=_key(entry.number),
                Body=entry.as_bytes(),
                ContentType="application/json",
                IfNoneMatch="*",
                # A bucket with a lock takes no object without a checksum.
                ChecksumAlgorithm="SHA256",
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in (_TAKEN, _BUSY):
                raise
            return code
        return None

    def _stored(self, number: int) -> bytes | None:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=_key(number))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None

    def _version(self, where: tuple[int, str, str]) -> bytes:
        _, key, version = where
        named: dict[str, Any] = {} if version == "null" else {"VersionId": version}
        return self._client.get_object(Bucket=self._bucket, Key=key, **named)["Body"].read()

    def _last(self) -> int:
        """Return the number of the last entry: from the head on, because a list of all of them is long."""
        start = self._head.load().head.number
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=FOLDER, StartAfter=_key(start)
        )
        return max(
            (_number(item["Key"]) for page in pages for item in page.get("Contents", [])), default=start
        )


def _key(number: int) -> str:
    return f"{FOLDER}{number:012d}.json"


def _number(key: str) -> int:
    """Return the number in a key; 0 of an object that somebody else has put there.

    Examples
    --------
    >>> _number(_key(7)), _number("ledger/note.txt")
    (7, 0)
    """
    digits = key.removeprefix(FOLDER).removesuffix(".json")
    return int(digits) if digits.isdecimal() and _key(int(digits)) == key else 0


def _ids(stored: bytes) -> list[str]:
    entry = _whole(stored)
    return [entry.record.id] if entry else []


def _whole(stored: bytes | None) -> Entry | None:
    try:
        return read_entry(stored) if stored is not None else None
    except BrokenEntryError:
        return None
