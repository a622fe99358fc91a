"""Labelled records become files: Kinesis → Firehose → ``incoming/``."""

from __future__ import annotations

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.stream import Stream
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_logs import PipelineLogs
from infra.record_stream import RecordStream
from infra.sagemaker_task import allow

_FILES, _ERRORS = "incoming/stream/", "stream-errors/"
"""What could not be delivered must not lie below ``incoming/``, from where it would be taken in."""


class LabelledRecords(Construct):
    """A stream, and the delivery of its records as files of JSON lines, which the ingestion takes like any other.

    Attributes
    ----------
    stream : kinesis.Stream
        Where producers put.
    delivery_stream_name : str
        Firehose's, for alarms.
    """

    def __init__(
        self, scope: Construct, id: str, *, stream: Stream, bucket: s3.IBucket, key: kms.IKey
    ) -> None:
        super().__init__(scope, id)
        self.stream = RecordStream(self, "Records", stream=stream, key=key)
        self._log_group = PipelineLogs(self, "Logs", key=key)
        self._log_stream = logs.LogStream(
            self, "LogStream", log_group=self._log_group, removal_policy=RemovalPolicy.DESTROY
        )
        role = self._role(bucket, key)
        # The L2 construct lets its role read and write the whole bucket.
        delivery = firehose.CfnDeliveryStream(
            self,
            "Delivery",
            delivery_stream_type="KinesisStreamAsSource",
            kinesis_stream_source_configuration=firehose.CfnDeliveryStream.KinesisStreamSourceConfigurationProperty(
                kinesis_stream_arn=self.stream.stream_arn, role_arn=role.role_arn
            ),
            extended_s3_destination_configuration=self._destination(stream, bucket, key, role),
        )
        delivery.node.add_dependency(role)
        Validations.of(delivery).acknowledge(
            Acknowledgment(
                id="AwsSolutions-KDF1",
                reason="Firehose encrypts what is put to it directly; what it reads from a stream, the stream encrypts.",
            )
        )
        self.delivery_stream_name = delivery.ref

    def _role(self, bucket: s3.IBucket, key: kms.IKey) -> iam.Role:
        """Make the role that reads the stream and writes below two prefixes.

        References
        ----------
        .. [1] Amazon Data Firehose developer guide, "Grant Firehose access to an Amazon S3 destination".
        """
        role = iam.Role(self, "DeliveryRole", assumed_by=iam.ServicePrincipal("firehose.amazonaws.com"))
        self.stream.grant(
            role,
            "kinesis:DescribeStream",
            "kinesis:GetShardIterator",
            "kinesis:GetRecords",
            "kinesis:ListShards",
        )
        objects = [bucket.arn_for_objects(f"{prefix}*") for prefix in (_FILES, _ERRORS)]
        allow(role, ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"], objects)
        in_bucket = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        allow(role, in_bucket, [bucket.bucket_arn])
        allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
        self._log_group.grant(role, "logs:PutLogEvents")
        acknowledge_wildcards(role, "Firehose names the objects: the prefixes are the scope.")
        return role

    def _destination(
        self, stream: Stream, bucket: s3.IBucket, key: kms.IKey, role: iam.IRole
    ) -> firehose.CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty:
        kinds = firehose.CfnDeliveryStream
        return kinds.ExtendedS3DestinationConfigurationProperty(
            bucket_arn=bucket.bucket_arn,
            role_arn=role.role_arn,
            prefix=f"{_FILES}!{{timestamp:yyyy/MM/dd/HH}}/",
            error_output_prefix=f"{_ERRORS}!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd/HH}}/",
            file_extension=".jsonl",
            buffering_hints=kinds.BufferingHintsProperty(
                interval_in_seconds=stream.buffer_seconds, size_in_m_bs=stream.buffer_mb
            ),
            compression_format="UNCOMPRESSED",
            encryption_configuration=kinds.EncryptionConfigurationProperty(
                kms_encryption_config=kinds.KMSEncryptionConfigProperty(awskms_key_arn=key.key_arn)
            ),
            processing_configuration=kinds.ProcessingConfigurationProperty(
                enabled=True,
                # Producers put objects without a line break, and Firehose writes them one behind the other.
                processors=[kinds.ProcessorProperty(type="AppendDelimiterToRecord")],
            ),
            cloud_watch_logging_options=kinds.CloudWatchLoggingOptionsProperty(
                enabled=True,
                log_group_name=self._log_group.log_group_name,
                log_stream_name=self._log_stream.log_stream_name,
            ),
        )
