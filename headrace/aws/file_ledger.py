"""What the ledger knows of files: one item for each that was taken or refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from headrace.aws.dropped_files import short_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


_SEQUENCER_DIGITS = 24  # S3's have 18


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
    curated_paths : tuple of str
        URIs of the accepted rows.
    sha256 : str
        Of the file's bytes; empty if it was too large to be read, or gone.
    refused : str or None
        Reason code if the whole file was refused.
    """

    key: str
    version_id: str
    dropped_at: str
    sequencer: str = ""
    rows: int = 0
    quarantined: int = 0
    curated_paths: tuple[str, ...] = ()
    sha256: str = ""
    refused: str | None = None

    def with_(self, **known: Any) -> FileRecord:
        """Return the record with what has become known since."""
        return replace(self, **known)


@dataclass(frozen=True)
class Outcome:
    """What became of a file, as far as a batch is concerned: rows accepted, and why it was refused, if it was."""

    rows: int
    refused: str | None


class FileLedger:
    """The items ``file`` of the ledger table, in the order in which the files were dropped."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(self, file: FileRecord) -> None:
        """Write down what became of a file; doing so again changes nothing."""
        # S3 user guide, "Event message structure": pad the shorter sequencer on the left, then compare as text.
        sequencer = file.sequencer.zfill(_SEQUENCER_DIGITS)
        order = f"{file.dropped_at}#{short_key(file.key)}#{sequencer}#{file.version_id}"
        item = {**asdict(file), "curated_paths": list(file.curated_paths)}
        self._table.put_item(Item={"pk": "file", "sk": order, **item})

    def outcomes(self, since: datetime) -> dict[tuple[str, str], Outcome]:
        """Return what became of the files that were dropped at `since` or later, by key and version."""
        found: dict[tuple[str, str], Outcome] = {}
        page: dict[str, Any] = {}
        begin = f"{since:%Y-%m-%dT%H:%M:%S}"  # the times of events differ in what comes behind the seconds
        while True:
            answer = self._table.query(
                KeyConditionExpression=Key("pk").eq("file") & Key("sk").gte(begin),
                # `rows` is a word that DynamoDB keeps for itself
                ProjectionExpression="#key, version_id, #rows, refused",
                ExpressionAttributeNames={"#key": "key", "#rows": "rows"},
                ConsistentRead=True,
                **page,
            )
            for item in answer["Items"]:
                outcome = Outcome(int(str(item["rows"])), _text(item.get("refused")))
                found[str(item["key"]), str(item["version_id"])] = outcome
            if "LastEvaluatedKey" not in answer:
                return found
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
