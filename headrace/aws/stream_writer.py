"""Puts records into a Kinesis data stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from headrace.aws.delivery import DeliveryError, deliver_all, packed
from headrace.ml.privacy.redaction import told

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

_MOST_RECORDS, _MOST_BYTES = 500, 4 * 2**20
"""Of one ``PutRecords``; Kinesis allows 500 records and 5 MB, keys included."""


@dataclass(frozen=True)
class OutputRecord:
    """What is put: the body, and the key that decides about the shard."""

    partition_key: str
    data: bytes


class StreamWriter:
    """Puts records; those that a shard had no room for are put again.

    Parameters
    ----------
    arn : str
        Of the stream.
    """

    def __init__(
        self, client: KinesisClient, arn: str, *, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._client, self._arn, self._sleep = client, arn, sleep
        self._target = f"the stream {arn.rpartition('/')[2]}"

    def put(self, records: Sequence[OutputRecord]) -> None:
        """Put `records`. Kinesis promises no order among the records of one request.

        Raises
        ------
        DeliveryError
            If some could not be put; others may have been.
        """
        for request in packed(records, _size, most=_MOST_RECORDS, most_bytes=_MOST_BYTES):
            deliver_all(request, self._put, target=self._target, sleep=self._sleep)

    def _put(self, records: list[OutputRecord]) -> list[OutputRecord]:
        try:
            answer = self._client.put_records(
                StreamARN=self._arn,
                Records=[{"PartitionKey": record.partition_key, "Data": record.data} for record in records],
            )
        except (ClientError, BotoCoreError) as error:
            raise DeliveryError(f"{self._target}: {told(error)}") from error
        if not answer["FailedRecordCount"]:
            return []
        return [
            record
            for record, result in zip(records, answer["Records"], strict=True)
            if result.get("ErrorCode")
        ]


def _size(record: OutputRecord) -> int:
    return len(record.data) + len(record.partition_key.encode())
