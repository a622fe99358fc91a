"""The dead letters of files that could not be answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headrace.aws.dropped_files import DroppedFile

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class FailedFiles:
    """Keeps events of files; one that is moved back to the queue starts its file again."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client, self._url = client, url

    def put(self, file: DroppedFile) -> None:
        """Send a file's event."""
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(file.as_event()))
