"""Stricter rules on what is on its way: dead letters, queues that functions read, streams and their deliveries.

References
----------
.. [1] CloudFormation template reference, ``AWS::Lambda::EventSourceMapping OnFailure``: destinations are for failed invocations from
   Kinesis, DynamoDB and Kafka. Lambda developer guide, "Error handling for an SQS event source": a dead-letter queue of the source queue.
.. [2] Amazon Data Firehose developer guide, "Encrypt data at rest": with a Kinesis data stream as the source, data is stored there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from security.checks.deployed import Deployed, Resource
from security.checks.stricter.answer import in_place_of

_QUEUE, _MAPPING = "AWS::SQS::Queue", "AWS::Lambda::EventSourceMapping"
_TWO_WEEKS_S = 1_209_600
"""SQS API reference, ``MessageRetentionPeriod``: the longest."""

_AT_LEAST, _ABOVE = "GreaterThanOrEqualToThreshold", "GreaterThanThreshold"
_NAMES_OF_DEAD_LETTERS = {
    "RedrivePolicy": "deadLetterTargetArn",  # of queues, and of subscriptions to topics
    "DeadLetterConfig": "Arn",  # of targets of rules and schedules
    "OnFailure": "Destination",  # of functions that are called asynchronously or read a stream
}


@in_place_of(
    "AwsSolutions-SQS3",
    "CT.SQS.PR.1",
    "SQSRedrivePolicy",
    because="A dead-letter queue has none of its own. The packs know it by a queue or a function of the same template, and not by "
    "rules, schedules, topics and streams.",
)
def dead_letters_are_kept_and_watched(deployed: Deployed, queue: Resource) -> Iterator[str]:
    """Be named as a dead-letter queue, consumed by nothing, watched by an alarm, encrypted, and kept for 14 days."""
    arn = deployed.arn(queue)
    if arn not in _dead_letter_queues(deployed):
        yield "nothing names it as its dead-letter queue"
    if any(mapping.properties["EventSourceArn"] == arn for mapping in deployed.of_type(_MAPPING)):
        yield "a function consumes it"
    if not any(
        _watches(alarm.properties, queue.name) for alarm in deployed.of_type("AWS::CloudWatch::Alarm")
    ):
        yield "no alarm goes off at its first message"
    if queue.properties.get("MessageRetentionPeriod") != _TWO_WEEKS_S:
        yield "it does not keep messages for 14 days"
    if queue.properties.get("KmsMasterKeyId") not in deployed.rotating_keys:
        yield "it is not encrypted with a key of the pipeline's own"


def _dead_letter_queues(deployed: Deployed) -> set[str]:
    return {arn for resource in deployed.resources for arn in _named(resource.properties)}


def _named(value: Any) -> Iterator[str]:
    """Yield the ARNs that something below `value` names as where its dead letters go."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if (key := _NAMES_OF_DEAD_LETTERS.get(name)) and isinstance(item, Mapping):
                yield str(
                    item.get(key) or item.get("TargetArn")
                )  # a function's own configuration says TargetArn
            yield from _named(item)


def _watches(alarm: Mapping[str, Any], queue: str) -> bool:
    limit, comparison = alarm.get("Threshold"), alarm.get("ComparisonOperator")
    return (
        alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and {"Name": "QueueName", "Value": queue} in alarm.get("Dimensions", [])
        and (limit, comparison) in ((1, _AT_LEAST), (0, _ABOVE))
    )


@in_place_of(
    "LambdaEventSourceMappingDestination",
    because="Lambda has destinations for what it could not process of streams and of Kafka, and none for messages of SQS: these go to "
    "the dead-letter queue of their queue.",
)
def failed_messages_go_to_dead_letters(deployed: Deployed, mapping: Resource) -> Iterator[str]:
    """Read a queue that hands failed messages to a dead-letter queue after ten attempts at most, each for itself."""
    queues = {deployed.arn(queue): queue for queue in deployed.of_type(_QUEUE)}
    source = queues.get(mapping.properties["EventSourceArn"])
    if source is None:
        yield "its source is no queue of the pipeline"
        return
    redrive = source.properties.get("RedrivePolicy", {})
    if redrive.get("deadLetterTargetArn") not in queues:
        yield "its queue has no dead-letter queue"
    if not 1 <= redrive.get("maxReceiveCount", 0) <= 10:  # noqa: PLR2004 - a few
        yield "its queue hands messages out for ever"
    if "ReportBatchItemFailures" not in mapping.properties.get("FunctionResponseTypes", []):
        yield "one message that fails takes its batch along"


@in_place_of(
    "AwsSolutions-KDS3",
    because="It asks for the key that AWS manages, to spare requests. Whoever may use that key is AWS's to say.",
)
def streams_have_the_pipelines_key(deployed: Deployed, stream: Resource) -> Iterator[str]:
    """Be encrypted with a key of the pipeline's own that is exchanged every year."""
    encryption = stream.properties.get("StreamEncryption", {})
    if encryption.get("EncryptionType") != "KMS" or encryption.get("KeyId") not in deployed.rotating_keys:
        yield "it is not encrypted with a key of the pipeline's own"


@in_place_of(
    "AwsSolutions-KDF1",
    because="Firehose encrypts what is put to it directly, and takes no such setting where it reads from a stream: what it holds is "
    "encrypted as in the stream.",
)
def deliveries_are_encrypted_throughout(deployed: Deployed, delivery: Resource) -> Iterator[str]:
    """Read from an encrypted stream of the pipeline, and encrypt what is written with the pipeline's key."""
    streams = {deployed.arn(stream): stream for stream in deployed.of_type("AWS::Kinesis::Stream")}
    source = delivery.properties.get("KinesisStreamSourceConfiguration", {})
    stream = streams.get(source.get("KinesisStreamARN", ""))
    if delivery.properties.get("DeliveryStreamType") != "KinesisStreamAsSource" or stream is None:
        yield "it does not read from a stream of the pipeline"
    else:
        yield from streams_have_the_pipelines_key(deployed, stream)
    written = delivery.properties.get("ExtendedS3DestinationConfiguration", {})
    key = written.get("EncryptionConfiguration", {}).get("KMSEncryptionConfig", {}).get("AWSKMSKeyARN")
    if key not in deployed.rotating_keys:
        yield "what it writes is not encrypted with a key of the pipeline's own"
