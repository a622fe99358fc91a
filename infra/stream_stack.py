"""Records instead of files: labelled ones to learn from, others to be answered at once."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from constructs import Construct

from headrace.config.pipeline import Pipeline
from headrace.config.stream import Stream
from infra.data_stack import DataStack
from infra.labelled_records import LabelledRecords
from infra.operation_alarms import OperationAlarms
from infra.pipeline_stack import PipelineStack
from infra.scored_records import ScoredRecords
from infra.serving_stack import ServingStack

_LATE = Duration.minutes(5)


class StreamStack(PipelineStack):
    """Streams, their delivery to S3, the function that answers, and the alarms on them; as the block `stream` says."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        stream: Stream,
        data: DataStack,
        serving: ServingStack,
    ) -> None:
        super().__init__(
            scope, id, pipeline=pipeline, description="streams of records", hardening=data.hardening
        )
        self._stream, self._data, self._serving = stream, data, serving
        self._alarms = OperationAlarms(self, "OperationAlarms", pipeline=pipeline, topic=data.topic)
        if stream.training:
            self._take_in_labelled_records()
        if stream.scoring:
            self._answer_records()

    def _take_in_labelled_records(self) -> None:
        labelled = LabelledRecords(
            self, "Labelled", stream=self._stream, bucket=self._data.data_bucket, key=self._data.key
        )
        waits = Duration.seconds(self._stream.buffer_seconds)
        self._alarms.watch_delivery(labelled.delivery_stream_name, waits.plus(_LATE))
        CfnOutput(self, "LabelledStreamName", value=labelled.stream.stream_name)

    def _answer_records(self) -> None:
        scored = ScoredRecords(
            self,
            "Scored",
            pipeline=self.pipeline,
            stream=self._stream,
            endpoint_name=self._serving.endpoint_name,
            key=self._data.key,
        )
        # Deleted in the reverse order: nothing asks an endpoint that is gone.
        self.add_stack_dependency(self._serving)
        self._alarms.watch_functions({"ScoreRecords": scored.function})
        self._alarms.watch_age({"ScoreRecords": scored.function}, _LATE)
        self._alarms.watch_queues({"StreamDeadLetters": scored.dead_letters})
        CfnOutput(self, "RecordStreamName", value=scored.records.stream_name)
        CfnOutput(self, "PredictionStreamName", value=scored.predictions.stream_name)
        CfnOutput(self, "DeadLettersUrl", value=scored.dead_letters.queue_url)
