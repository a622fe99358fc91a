"""What the ledger knows of files: one item for each that was taken or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key

from headrace.aws.dropped_files import short_key
from headrace.aws.queried_items import query_items
from headrace.aws.refusal_ledger import Refusal, RefusalLedger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


_SEQUENCER_DIGITS = 24  # S3's have 18
_NEWEST = 20


@dataclass(frozen=True)
class FileRecord:
    """What became of one dropped file.

    Parameters
    ----------
    key, version_id : str
        Which file.
    dropped_at : str
        ISO 8601, UTC.
    sequencer : str
        Orders versions of one key that were dropped within one second, as S3 says it.
    rows, quarantined : int
        Rows accepted and rows refused; together all rows of the file.
    flagged : int
        Cells of accepted rows that break a rule of the contract which only flags.
    curated_paths : tuple of str
        URIs of the accepted rows.
    sha256 : str
        Of the file's bytes; empty if it was too large to be read, or gone.
    refused : str or None
        Reason code if the whole file was refused.
    reasons : mapping of str to int
        Refused rows by reason code.
    contract_version : int or None
        Version of the contract that its rows were cleaned against; None if the file was refused.
    personal_data : mapping of str to str
        Columns that look personal and are not declared, and as what they look.
    """

    key: str
    version_id: str
    dropped_at: str
    sequencer: str = ""
    rows: int = 0
    quarantined: int = 0
    flagged: int = 0
    curated_paths: tuple[str, ...] = ()
    sha256: str = ""
    refused: str | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    contract_version: int | None = None
    personal_data: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> str:
        """Its place in the ledger: files are sorted by the time at which they were dropped."""
        # S3 user guide, "Event message structure": pad the shorter sequencer on the left, then compare as text.
        sequencer = self.sequencer.zfill(_SEQUENCER_DIGITS)
        return f"{self.dropped_at}#{short_key(self.key)}#{sequencer}#{self.version_id}"

    def with_(self, **known: Any) -> FileRecord:
        """Return the record with what has become known since."""
        return replace(self, **known)

    def announcement(self, bucket: str) -> dict[str, Any]:
        """Return the detail of the event ``DataAccepted``."""
        named = {name: getattr(self, name) for name in ("key", "version_id", "rows", "quarantined")}
        return {"bucket": bucket, **named}


@dataclass(frozen=True)
class Outcome:
    """What became of a file, as far as a batch is concerned: rows accepted, and why it was refused, if it was."""

    rows: int
    refused: str | None


class FileLedger:
    """The items ``file`` of the ledger table, in the order in which the files were dropped."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._refusals = RefusalLedger(table)

    def record(self, file: FileRecord) -> None:
        """Write down what became of a file, and what of it was refused; doing so again changes nothing."""
        if file.refused or file.quarantined:
            self._refusals.record(_refusal(file))
        item = {**asdict(file), "curated_paths": list(file.curated_paths)}
        self._table.put_item(Item={"pk": "file", "sk": file.order, **item})

    def find(self, key: str, version_id: str, since: str) -> FileRecord | None:
        """Return the record of a file that was dropped at `since` or later; None if it was not taken yet."""
        found = query_items(
            self._table,
            KeyConditionExpression=Key("pk").eq("file") & Key("sk").gte(since[: len("2026-01-31T12:00:00")]),
            FilterExpression=Attr("key").eq(key) & Attr("version_id").eq(version_id),
            ConsistentRead=True,
        )
        return next(map(_record, found), None)

    def outcomes(self, since: datetime) -> dict[tuple[str, str], Outcome]:
        """Return what became of the files that were dropped at `since` or later, by key and version."""
        found: dict[tuple[str, str], Outcome] = {}
        begin = f"{since:%Y-%m-%dT%H:%M:%S}"  # the times of events differ in what comes behind the seconds
        for item in query_items(
            self._table,
            KeyConditionExpression=Key("pk").eq("file") & Key("sk").gte(begin),
            # `rows` is a word that DynamoDB keeps for itself
            ProjectionExpression="#key, version_id, #rows, refused",
            ExpressionAttributeNames={"#key": "key", "#rows": "rows"},
            ConsistentRead=True,
        ):
            outcome = Outcome(int(item["rows"]), _text(item.get("refused")))
            found[str(item["key"]), str(item["version_id"])] = outcome
        return found

    def last_accepted(self) -> datetime | None:
        """Return when the newest file was dropped of which rows were accepted, in UTC; None if there is none."""
        newest_first = query_items(
            self._table,
            KeyConditionExpression=Key("pk").eq("file"),
            ProjectionExpression="dropped_at, #rows",  # `rows` is a word that DynamoDB keeps for itself
            ExpressionAttributeNames={"#rows": "rows"},
            ScanIndexForward=False,
            Limit=_NEWEST,
        )
        dropped_at = next((item["dropped_at"] for item in newest_first if item["rows"]), None)
        return dropped_at and datetime.fromisoformat(dropped_at).astimezone(UTC)


def _refusal(file: FileRecord) -> Refusal:
    return Refusal(
        key=file.key,
        version_id=file.version_id,
        dropped_at=file.dropped_at,
        order=file.order,
        accepted=file.rows,
        quarantined=file.quarantined,
        refused=file.refused,
        reasons=file.reasons,
    )


def _record(item: Mapping[str, Any]) -> FileRecord:
    return FileRecord(
        key=str(item["key"]),
        version_id=str(item["version_id"]),
        dropped_at=str(item["dropped_at"]),
        rows=int(item["rows"]),
        quarantined=int(item["quarantined"]),
        refused=_text(item.get("refused")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
