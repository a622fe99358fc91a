"""What the ledger knows of batches: one item for each that was accepted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Key

from headrace.aws.dropped_files import short_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@dataclass(frozen=True)
class BatchRecord:
    """A batch that was accepted.

    Parameters
    ----------
    key, version_id : str
        The marker or the manifest that said so.
    accepted_at : str
        ISO 8601, UTC.
    files, accepted, quarantined : int
        Files that belong to it; those of them with rows that can be trained on; those that were refused whole.
    rows : int
        Rows accepted.
    missing : tuple of str
        Keys of files that it was accepted without, at most ten.
    """

    key: str
    version_id: str
    accepted_at: str
    files: int
    accepted: int
    quarantined: int
    rows: int
    missing: tuple[str, ...] = ()


class BatchLedger:
    """The items ``batch`` of the ledger table, in the order in which batches were accepted."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(self, batch: BatchRecord) -> None:
        """Write down an accepted batch."""
        order = f"{batch.accepted_at}#{short_key(batch.key)}#{batch.version_id}"
        item = {**asdict(batch), "missing": list(batch.missing)}
        self._table.put_item(Item={"pk": "batch", "sk": order, **item})

    def any_since(self, moment: datetime) -> bool:
        """Tell whether a batch was accepted at `moment` or later."""
        since = Key("pk").eq("batch") & Key("sk").gte(moment.isoformat())
        return bool(self._table.query(KeyConditionExpression=since, ConsistentRead=True, Limit=1)["Items"])
