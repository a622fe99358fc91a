"""A queue for what could not be delivered."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.pipeline_queue import PipelineQueue


class DeadLetterQueue(PipelineQueue):
    """A queue where messages end that somebody has to look at; it has no dead-letter queue itself."""

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, id, key=key)
        reason = "It is a dead-letter queue itself: nothing consumes it, and an alarm looks at it."
        Validations.of(self).acknowledge(Acknowledgment(id="AwsSolutions-SQS3", reason=reason))


class DeadLetters(Construct):
    """A queue that nothing consumes by itself.

    Attributes
    ----------
    queue : DeadLetterQueue
        The queue.
    """

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.queue = DeadLetterQueue(self, "Queue", key=key)
