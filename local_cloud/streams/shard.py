"""One shard of a Kinesis data stream, read with a role's permissions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Record:
    """One record of a shard."""

    sequence_number: str
    partition_key: str
    data: bytes
    arrived_at: float


@dataclass(frozen=True)
class ShardId:
    """A shard of a stream."""

    stream_arn: str
    shard_id: str


class Shard:
    """Reads on from a sequence number, again and again.

    Parameters
    ----------
    client : callable
        Returns a Kinesis client of the role that reads.
    after : str
        The last sequence number that is known; empty for the oldest record there is.
    """

    def __init__(self, client: Callable[[], Any], shard: ShardId, after: str = "") -> None:
        self._client, self.shard, self._after = client, shard, after

    def read(self, limit: int) -> list[Record]:
        """Return at most `limit` records that have not been read; ``ClientError`` if the role may not."""
        client = self._client()
        start = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self._after}
            if self._after
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        stream = {"StreamARN": self.shard.stream_arn}
        iterator = client.get_shard_iterator(**stream, ShardId=self.shard.shard_id, **start)["ShardIterator"]
        answer = client.get_records(**stream, ShardIterator=iterator, Limit=limit)
        records = [_record(entry) for entry in answer["Records"]]
        if records:
            self._after = records[-1].sequence_number
        return records


def _record(entry: dict[str, Any]) -> Record:
    return Record(
        entry["SequenceNumber"],
        entry["PartitionKey"],
        entry["Data"],
        entry["ApproximateArrivalTimestamp"].timestamp(),
    )


def iso(seconds: float) -> str:
    """Return a time as Lambda's records of failures have it.

    Examples
    --------
    >>> iso(1573671600.5)
    '2019-11-13T19:00:00.500Z'
    """
    return (
        datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    )
