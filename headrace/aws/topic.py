"""Messages to the people who look after a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class Topic:
    """One SNS topic."""

    def __init__(self, client: SNSClient, arn: str) -> None:
        self._client, self._arn = client, arn

    def publish(self, subject: str, text: str) -> None:
        """Send `text` to all subscribers; `subject` is one line of at most 100 ASCII characters."""
        self._client.publish(TopicArn=self._arn, Subject=subject, Message=text)
