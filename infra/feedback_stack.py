"""Labels that come after the predictions; part of a pipeline with the block `feedback`."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from headrace.config.feedback import Feedback
from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.dead_letters import DeadLetterQueue
from infra.dropped_objects import dropped
from infra.feedback_grants import grant_joining, grant_taking_calls
from infra.labelled_table import LABELLED
from infra.narrow_grants import grant_items
from infra.operation_alarms import OperationAlarms, Words
from infra.pipeline_function import PipelineFunction
from infra.pipeline_metrics import pipeline_metric
from infra.pipeline_queue import PipelineQueue
from infra.pipeline_stack import PipelineStack
from infra.projected_table import ProjectedTable
from infra.schedules import CallOnSchedule

_LONGEST_S = 900
_ATTEMPTS = 3
_AT_ONCE = 100


class FeedbackStack(PipelineStack):
    """``feedback/`` in the data bucket → queue → ``join_feedback`` → ``labelled/`` and ``incoming/feedback/``.

    Attributes
    ----------
    join, take : PipelineFunction
        Reads files of labels and joins; answers calls with labels.
    dead_letters : sqs.Queue
        Announcements of files that could not be taken.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, feedback: Feedback, data: DataStack
    ) -> None:
        super().__init__(
            scope, id, pipeline=pipeline, description="labels of predictions", hardening=data.hardening
        )
        self._feedback, self._data = feedback, data
        ProjectedTable(
            self,
            "Labelled",
            table=LABELLED,
            bucket=data.artifacts_bucket,
            database_name=data.glue_database_name,
        )
        self.dead_letters = DeadLetterQueue(self, "DeadLetters", key=data.key)
        self.join = self._add_join()
        self._start_on_files()
        self._run_on_schedule()
        self.take = self._add_take()
        self._watch()
        self._output()

    def _add_join(self) -> PipelineFunction:
        data = self._data
        function = PipelineFunction(
            self,
            "JoinFeedback",
            name="join_feedback",
            pipeline=self.pipeline,
            key=data.key,
            environment={
                "DATA_BUCKET": data.data_bucket.bucket_name,
                "ARTIFACTS_BUCKET": data.artifacts_bucket.bucket_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "GLUE_DATABASE": data.glue_database_name,
            },
            memory_mb=1769,  # one whole vCPU: joining computes
            scratch_mb=512 + 3 * self.pipeline.ingest.max_file_mb,
            timeout_s=_LONGEST_S,
            pandas=True,
        )
        grant_joining(function, data)
        data.privacy_keys.grant_to(function)
        if self.pipeline.privacy and self.pipeline.privacy.subject:
            grant_items(function, data.ledger, "dynamodb:Query", ["erased"])
        return function

    def _start_on_files(self) -> None:
        window_s = self._feedback.gather_seconds
        queue = PipelineQueue(
            self,
            "Files",
            key=self._data.key,
            # Lambda's advice: six times the function's timeout, and the time that messages are gathered.
            visibility_timeout=Duration.seconds(6 * _LONGEST_S + window_s),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_ATTEMPTS),
        )
        events.Rule(
            self,
            "LabelsDropped",
            description=f"Headrace {self.pipeline.name}: a file under feedback/",
            event_pattern=dropped(self._data.data_bucket, {"prefix": "feedback/"}),
            targets=[targets.SqsQueue(queue, dead_letter_queue=self.undelivered)],
        )
        self.join.add_event_source(
            sources.SqsEventSource(
                queue,
                batch_size=_AT_ONCE if window_s else 10,  # Lambda takes more than ten only with a window
                max_batching_window=Duration.seconds(window_s) if window_s else None,
                max_concurrency=2,  # the fewest that Lambda allows
                report_batch_item_failures=True,
            )
        )

    def _run_on_schedule(self) -> None:
        CallOnSchedule(
            self,
            "Waiting",
            description=f"Headrace {self.pipeline.name}: join labels that wait",
            schedule=scheduler.ScheduleExpression.expression(self._feedback.schedule),
            function=self.join,
            key=self._data.key,
        )

    def _add_take(self) -> PipelineFunction:
        data = self._data
        function = PipelineFunction(
            self,
            "TakeFeedback",
            name="take_feedback",
            pipeline=self.pipeline,
            key=data.key,
            environment={
                "DATA_BUCKET": data.data_bucket.bucket_name,
                "ARTIFACTS_BUCKET": data.artifacts_bucket.bucket_name,
            },
            memory_mb=1024,
            timeout_s=30,
            pandas=True,  # for PyArrow
        )
        grant_taking_calls(function, data)
        return function

    def _watch(self) -> None:
        alarms = OperationAlarms(self, "OperationAlarms", pipeline=self.pipeline, topic=self._data.topic)
        alarms.watch_queues({"FeedbackDeadLetters": self.dead_letters})
        alarms.watch_functions({"JoinFeedback": self.join, "TakeFeedback": self.take})
        alarms.watch_metric(
            "LabelsExpired",
            pipeline_metric(self.pipeline, "LabelsExpired"),
            Words(
                f"labels have waited for {self._feedback.within_days} days and no prediction was found",
                look="feedback/expired/ in the artifacts bucket; docs/feedback.md says what to compare",
                then="nothing by itself; the labels are kept, and can be dropped again",
            ),
        )

    def _output(self) -> None:
        CfnOutput(self, "TakeFeedbackFunctionName", value=self.take.function_name)
        CfnOutput(self, "JoinFeedbackFunctionName", value=self.join.function_name)
        if self._feedback.api:
            url = self.take.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
            CfnOutput(self, "FeedbackUrl", value=url.url)
