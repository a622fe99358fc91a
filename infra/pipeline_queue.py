"""The one way this project defines a queue."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
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
        self._key = key
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

    # The CDK's own grants also allow what only clients with other habits need: finding the queue by its name, hiding a message
    # for longer, encrypting without a data key.

    def grant_consume_messages(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow what Lambda asks for when it polls, in the name of the function; it may use the key already.

        References
        ----------
        .. [1] Lambda developer guide, "Using Lambda with Amazon SQS": execution role permissions.
        """
        return self.grant(grantee, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

    def grant_send_messages(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow sending; the key's own policy names the services that send.

        References
        ----------
        .. [1] Amazon SQS developer guide, "Key management": a producer needs ``kms:GenerateDataKey`` and ``kms:Decrypt``.
        """
        # Of a service this adds nothing.
        iam.Grant.add_to_principal(
            grantee=grantee, actions=["kms:GenerateDataKey", "kms:Decrypt"], resource_arns=[self._key.key_arn]
        )
        return self.grant(grantee, "sqs:SendMessage")
