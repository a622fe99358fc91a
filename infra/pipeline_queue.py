"""The one way this project defines a queue."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class PipelineQueue(sqs.Queue):
    """An encrypted queue that keeps messages for two weeks, which is SQS's longest.

    Parameters
    ----------
    key : IKey
        Encrypts the messages.
    visibility_timeout : Duration, optional
        How long a message is hidden from others once it was received; SQS's own 30 seconds if left out.
    dead_letter_queue : DeadLetterQueue, optional
        Where a message ends that was received too often.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
            removal_policy=RemovalPolicy.DESTROY,
        )
