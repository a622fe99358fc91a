"""The queue of records that can never be answered, each with the reason."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from headrace.aws.delivery import DeliveryError, deliver_all, packed
from headrace.aws.stream_records import StreamRecord
from headrace.ml.privacy.redaction import told

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_MOST_MESSAGES, _MOST_BYTES = 10, 256 * 1024
"""Of one ``SendMessageBatch``; SQS has raised its 256 KB since, but not for queues of every kind."""


@dataclass(frozen=True)
class DeadLetter:
    """A record that was refused.

    Parameters
    ----------
    record : StreamRecord
        As it came.
    reason : str
        For machines, e.g. ``not_json``.
    detail : str
        For people; what to do about it.
    """

    record: StreamRecord
    reason: str
    detail: str

    def message(self) -> str:
        """Return the letter as JSON, with the record's data in base64.

        Data for which a message has no room is left out, ``null``: it can be read from the stream by shard and sequence
        number, as long as the stream keeps it.
        """
        record = self.record
        letter = {
            "reason": self.reason,
            "detail": self.detail,
            "shard_id": record.event_id.partition(":")[0],
            "sequence_number": record.sequence_number,
            "partition_key": record.partition_key,
            "arrived_at": record.arrived_at,
            "data": base64.b64encode(record.data).decode(),
        }
        text = json.dumps(letter)
        return text if len(text) <= _MOST_BYTES else json.dumps({**letter, "data": None})


class DeadLetters:
    """Sends letters; those that SQS did not take are sent again."""

    def __init__(
        self, client: SQSClient, queue_url: str, *, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._client, self._queue_url, self._sleep = client, queue_url, sleep

    def put(self, letters: Sequence[DeadLetter]) -> None:
        """Send `letters`.

        Raises
        ------
        DeliveryError
            If some could not be sent; others may have been.
        """
        messages = [letter.message() for letter in letters]
        for request in packed(messages, len, most=_MOST_MESSAGES, most_bytes=_MOST_BYTES):
            deliver_all(request, self._send, target="the queue of dead letters", sleep=self._sleep)

    def _send(self, messages: list[str]) -> list[str]:
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(index), "MessageBody": message} for index, message in enumerate(messages)
        ]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            raise DeliveryError(f"the queue of dead letters: {told(error)}") from error
        return [messages[int(failed["Id"])] for failed in answer.get("Failed", [])]
