"""Records of a Kinesis data stream, as Lambda hands them over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.data_classes import KinesisStreamEvent


@dataclass(frozen=True)
class StreamRecord:
    """One record of a shard.

    Parameters
    ----------
    sequence_number : str
        Kinesis's own, unique and growing within the shard; 56 digits.
    partition_key : str
        The producer's; records that share it keep their order.
    data : bytes
        What the producer put.
    arrived_at : float
        When Kinesis took it, in seconds since 1970.
    event_id : str
        ``<shard>:<sequence number>``.
    """

    sequence_number: str
    partition_key: str
    data: bytes
    arrived_at: float
    event_id: str = ""


def read_records(event: Mapping[str, Any]) -> list[StreamRecord]:
    """Return the records of an event, in the order of the shard.

    Examples
    --------
    >>> kinesis = {"sequenceNumber": "49", "partitionKey": "k", "data": "e30=", "approximateArrivalTimestamp": 7.5}
    >>> read_records({"Records": [{"kinesis": kinesis, "eventID": "shardId-000000000000:49"}]})[0].data
    b'{}'
    """
    return [
        StreamRecord(
            sequence_number=record.kinesis.sequence_number,
            partition_key=record.kinesis.partition_key,
            data=record.kinesis.data_as_bytes(),
            arrived_at=float(record.kinesis.approximate_arrival_timestamp),
            event_id=record.event_id,
        )
        for record in KinesisStreamEvent(dict(event)).records
    ]


def partial_failure(first_failed: StreamRecord | None) -> dict[str, list[dict[str, str]]]:
    """Return what tells Lambda to go on from `first_failed`, or, with None, behind the batch.

    Lambda takes the lowest sequence number that is reported as its checkpoint and hands over everything from there
    again [1]_, so one is enough.

    References
    ----------
    .. [1] AWS Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams and Lambda".

    Examples
    --------
    >>> partial_failure(StreamRecord("49", "k", b"{}", 0.0)), partial_failure(None)
    ({'batchItemFailures': [{'itemIdentifier': '49'}]}, {'batchItemFailures': []})
    """
    failed = [] if first_failed is None else [{"itemIdentifier": first_failed.sequence_number}]
    return {"batchItemFailures": failed}
