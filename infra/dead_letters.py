"""A queue for what could not be delivered."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.pipeline_queue import PipelineQueue


class DeadLetters(Construct):
    """A queue that nothing consumes by itself.

    Attributes
    ----------
    queue : PipelineQueue
        The queue.
    """

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.queue = PipelineQueue(self, "Queue", key=key)
        Validations.of(self.queue).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS3", reason="It is the dead-letter queue of a rule or a schedule."
            )
        )
