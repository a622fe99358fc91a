"""Records are answered by the endpoint: Kinesis → ``score_records`` → a stream of predictions."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from headrace.config.pipeline import Pipeline
from headrace.config.stream import Stream
from infra.dead_letters import DeadLetterQueue
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys
from infra.pipeline_function import PipelineFunction
from infra.record_stream import RecordStream
from infra.sagemaker_task import allow, sagemaker_arn

_TIMEOUT_S = 300


class ScoredRecords(Construct):
    """Two streams, the function between them, and the queue of what can not be answered.

    Attributes
    ----------
    records, predictions : kinesis.Stream
        What comes in, and what goes out.
    function : PipelineFunction
        ``score_records``.
    dead_letters : sqs.Queue
        Records that were refused, with the reason; and, from Lambda, the shard and the sequence numbers of batches that
        failed too often or grew too old.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        stream: Stream,
        endpoint_name: str,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.records = RecordStream(self, "Records", stream=stream, key=key)
        self.predictions = RecordStream(self, "Predictions", stream=stream, key=key)
        self.dead_letters = self._queue(key)
        self.function = self._function(pipeline, endpoint_name, key)
        self.function.add_event_source(
            sources.KinesisEventSource(
                self.records,
                # What was put before the function was there is answered, too.
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=stream.batch_records,
                max_batching_window=Duration.seconds(stream.batch_window_seconds),
                parallelization_factor=stream.parallel_batches,
                report_batch_item_failures=True,
                bisect_batch_on_error=True,
                retry_attempts=stream.max_attempts - 1,
                max_record_age=Duration.minutes(stream.max_age_minutes),
                on_failure=sources.SqsDlq(self.dead_letters),
            )
        )

    def _queue(self, key: kms.IKey) -> sqs.Queue:
        return DeadLetterQueue(self, "DeadLetters", key=key)

    def _function(self, pipeline: Pipeline, endpoint_name: str, key: kms.IKey) -> PipelineFunction:
        function = PipelineFunction(
            self,
            "ScoreRecords",
            name="score_records",
            pipeline=pipeline,
            key=key,
            environment={
                "ENDPOINT_NAME": endpoint_name,
                "PREDICTION_STREAM_ARN": self.predictions.stream_arn,
                "DEAD_LETTERS_URL": self.dead_letters.queue_url,
            },
            memory_mb=512,
            timeout_s=_TIMEOUT_S,
        )
        allow(function.role, ["sagemaker:InvokeEndpoint"], [sagemaker_arn(self, "endpoint", endpoint_name)])
        self.predictions.grant(function, "kinesis:PutRecords")
        self.dead_letters.grant_send_messages(function)
        grant_data_keys(function, key)
        acknowledge_wildcards(
            function.role,
            "The queue's and the key's grants: GenerateDataKey* and ReEncrypt* are one action each.",
        )
        return function
