"""Kinesis data streams: encrypted, and as wide as the pipeline file says."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from constructs import Construct

from headrace.config.stream import Stream


class RecordStream(kinesis.Stream):
    """A stream with the pipeline's key. What is in it is on its way, so it goes with its stack."""

    def __init__(self, scope: Construct, id: str, *, stream: Stream, key: kms.IKey) -> None:
        super().__init__(
            scope,
            id,
            stream_mode=kinesis.StreamMode.ON_DEMAND if stream.on_demand else kinesis.StreamMode.PROVISIONED,
            shard_count=None if stream.on_demand else stream.shards,
            retention_period=Duration.hours(stream.retention_hours),
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-KDS3",
                reason="Everything of a pipeline has its own key; Kinesis keeps data keys, so few requests go to KMS.",
            )
        )

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow what Lambda asks for when it polls the shards; it may use the key already.

        The CDK's own grant also allows consumers with a throughput of their own, and listing all streams.

        References
        ----------
        .. [1] Lambda developer guide, "Process Amazon Kinesis Data Streams records with Lambda".
        """
        verbs = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
        return self.grant(grantee, *(f"kinesis:{verb}" for verb in verbs))
