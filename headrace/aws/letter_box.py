"""The dead letters of a stream, looked at, and put back into it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.aws.stream_writer import OutputRecord, StreamWriter

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient

_HIDDEN_S = 300
"""For so long nobody else sees a letter that is being put back."""


@dataclass(frozen=True)
class Letter:
    """One message of the queue.

    Parameters
    ----------
    reason : str
        Why the record was refused; for a batch that Lambda gave up, Lambda's condition.
    detail : str
        In words.
    shard_id : str
        Where the records are.
    first, last : str
        Their sequence numbers; the same for one record.
    count : int
        How many there are.
    record : OutputRecord or None
        The record, if the letter holds it.
    receipt : str
        By which it is deleted.
    """

    reason: str
    detail: str
    shard_id: str
    first: str
    last: str
    count: int
    record: OutputRecord | None
    receipt: str = ""

    @classmethod
    def read(cls, body: str, receipt: str = "") -> Letter:
        """Read what ``score_records`` wrote, or what Lambda wrote about a batch.

        Examples
        --------
        >>> letter = {"reason": "not_json", "detail": "no JSON", "shard_id": "shardId-000000000000"}
        >>> Letter.read(json.dumps({**letter, "sequence_number": "49", "partition_key": "k", "data": "eA=="})).record
        OutputRecord(partition_key='k', data=b'x')
        """
        message: dict[str, Any] = json.loads(body)
        if batch := message.get("KinesisBatchInfo"):
            return cls(
                reason=message["requestContext"]["condition"],
                detail="the endpoint did not answer, or the function failed, for too long",
                shard_id=batch["shardId"],
                first=batch["startSequenceNumber"],
                last=batch["endSequenceNumber"],
                count=int(batch["batchSize"]),
                record=None,
                receipt=receipt,
            )
        number, data = message["sequence_number"], message["data"]
        record = None if data is None else OutputRecord(message["partition_key"], base64.b64decode(data))
        return cls(
            message["reason"], message["detail"], message["shard_id"], number, number, 1, record, receipt
        )


class LetterBox:
    """The queue of one pipeline, and the stream that its letters came from."""

    def __init__(self, sqs: SQSClient, kinesis: KinesisClient, queue_url: str, stream: str) -> None:
        self._sqs, self._kinesis, self._queue_url = sqs, kinesis, queue_url
        summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        self._stream_arn = summary["StreamARN"]

    def look(self) -> list[Letter]:
        """Return the letters, and leave them where they are."""
        letters = self._received()
        for letter in letters:
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )
        return letters

    def put_back(self) -> tuple[int, int]:
        """Put the records of all letters into the stream again, and delete the letters.

        Returns
        -------
        tuple of int
            Records that were put; letters that were kept because the stream no longer has their records.

        Raises
        ------
        DeliveryError
            If the stream does not take them; their letters are kept.
        """
        writer, put, kept = StreamWriter(self._kinesis, self._stream_arn), 0, 0
        # All are taken before the first is put: what is refused again must not be met again.
        for letter in self._received():
            records = [letter.record] if letter.record else list(self._records(letter))
            if len(records) < letter.count:
                kept += 1
                continue
            writer.put(records)
            put += len(records)
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=letter.receipt)
        return put, kept

    def _received(self) -> list[Letter]:
        """Take letters until none is left; nobody else sees them for a while."""
        letters: list[Letter] = []
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HIDDEN_S,
                WaitTimeSeconds=1,
            )
            if not answer.get("Messages"):
                return letters
            letters += [
                Letter.read(message["Body"], message["ReceiptHandle"]) for message in answer["Messages"]
            ]

    def _records(self, letter: Letter) -> Iterator[OutputRecord]:
        """Read the records of a batch from its shard, as far as the stream still has them."""
        iterator = self._kinesis.get_shard_iterator(
            StreamARN=self._stream_arn,
            ShardId=letter.shard_id,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=letter.first,
        )["ShardIterator"]
        while True:
            answer = self._kinesis.get_records(StreamARN=self._stream_arn, ShardIterator=iterator)
            for record in answer["Records"]:
                if int(record["SequenceNumber"]) > int(letter.last):
                    return
                yield OutputRecord(record["PartitionKey"], record["Data"])
            if not answer["Records"] and not answer.get("MillisBehindLatest"):
                return
            iterator = answer["NextShardIterator"]
