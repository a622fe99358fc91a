"""Files that are answered whole; part of a pipeline with the kind `batch` or the block `endpoint.batch`."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from headrace.config.batch import Batch
from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.dead_letters import DeadLetterQueue
from infra.dropped_objects import dropped
from infra.job_roles import grant_encrypted_volumes
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects
from infra.operation_alarms import OperationAlarms, Words
from infra.pipeline_function import PipelineFunction
from infra.pipeline_metrics import pipeline_metric
from infra.pipeline_queue import PipelineQueue
from infra.pipeline_stack import PipelineStack
from infra.predict_batch_flow import LONGEST_JOB, PredictBatchFunctions, predict_batch_flow
from infra.sagemaker_task import TRANSFORM, allow, grant_jobs, grant_put_events
from infra.schedules import CallOnSchedule
from infra.serving_stack import ServingStack
from infra.state_machine import PipelineStateMachine
from infra.transform_call import WORK, transform_call

_DROPPED = "batch/"
_WAITING = Duration.days(7)
"""How long a file may wait for its turn, or for a first model."""
_START_S = 60
_ATTEMPTS = 3
_AT_ONCE = 2  # the fewest that Lambda allows


class PredictBatchStack(PipelineStack):
    """``batch/`` in the data bucket → queue → ``start_batch`` → state machine → ``predictions/``.

    Attributes
    ----------
    state_machine : PipelineStateMachine
        One execution for each version of a file.
    dead_letters : PipelineQueue
        Announcements of files that could not be answered.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        batch: Batch,
        data: DataStack,
        serving: ServingStack,
    ) -> None:
        super().__init__(
            scope, id, pipeline=pipeline, description="predictions of whole files", hardening=data.hardening
        )
        self._batch, self._data, self._serving = batch, data, serving
        self.dead_letters = DeadLetterQueue(self, "DeadLetters", key=data.key)
        self.state_machine = self._add_state_machine()
        self._start()
        self._watch()
        CfnOutput(self, "PredictBatchArn", value=self.state_machine.state_machine_arn)

    # --- the state machine

    def _add_state_machine(self) -> PipelineStateMachine:
        bucket = self._data.artifacts_bucket.bucket_name
        transform = transform_call(
            self.pipeline,
            self._data.key.key_arn,
            name="$plan.name",
            model="$plan.model",
            folder=f"'s3://{bucket}/' & $plan.folder",
        )
        functions = self._add_functions()
        machine = PipelineStateMachine(
            self,
            "PredictBatch",
            definition=predict_batch_flow(self, functions, transform),
            key=self._data.key,
            timeout=_WAITING.plus(LONGEST_JOB),
            comment=f"Headrace {self.pipeline.name}: from a dropped file to its predictions",
        )
        grant_jobs(machine.role, self, TRANSFORM, name_prefix=f"headrace-{self.pipeline.name}-file")
        grant_encrypted_volumes(machine.role, self._data.key)
        machine.let_look([functions.plan_batch], id="SeeExecutions")
        return machine

    def _add_functions(self) -> PredictBatchFunctions:
        return PredictBatchFunctions(
            plan_batch=self._add_plan_batch(),
            prepare_batch=self._add_prepare_batch(),
            finish_batch=self._add_finish_batch(),
        )

    def _add_plan_batch(self) -> PipelineFunction:
        ledger = self._data.ledger
        function = self._add_function("PlanBatch", "plan_batch", LEDGER_TABLE=ledger.table_name)
        grant_items(function, ledger, "dynamodb:GetItem", ["champion", "prediction"])
        grant_items(function, ledger, "dynamodb:PutItem", ["prediction", "prediction_queue"])
        grant_items(function, ledger, "dynamodb:Query", ["prediction_queue"])
        grant_items(function, ledger, "dynamodb:DeleteItem", ["prediction_queue"])
        return function

    def _add_prepare_batch(self) -> PipelineFunction:
        data = self._data
        function = self._add_file_function(
            "PrepareBatch",
            "prepare_batch",
            ARTIFACTS_BUCKET=data.artifacts_bucket.bucket_name,
        )
        grant_objects(function, data.data_bucket, "s3:GetObjectVersion", [f"{_DROPPED}*"])
        # Without it S3 answers 403, not 404, for a file that is not there any more.
        grant_list(function, data.data_bucket, _DROPPED)
        grant_list(function, data.artifacts_bucket, "baselines/")
        grant_objects(function, data.artifacts_bucket, "s3:GetObject", ["baselines/*"])
        grant_objects(function, data.artifacts_bucket, "s3:PutObject", [f"{WORK}*"])
        grant_data_keys(function, data.key)
        data.privacy_keys.grant_to(function)
        if self._names_people:
            function.add_environment("LEDGER_TABLE", data.ledger.table_name)
            grant_items(function, data.ledger, "dynamodb:Query", ["erased"])
        return function

    def _add_finish_batch(self) -> PipelineFunction:
        data = self._data
        function = self._add_file_function(
            "FinishBatch",
            "finish_batch",
            ARTIFACTS_BUCKET=data.artifacts_bucket.bucket_name,
            LEDGER_TABLE=data.ledger.table_name,
            DEAD_LETTERS_URL=self.dead_letters.queue_url,
        )
        grant_list(function, data.artifacts_bucket, WORK)
        grant_objects(function, data.artifacts_bucket, "s3:GetObject", [f"{WORK}*"])
        captured = f"capture/{self._serving.endpoint_name}/*"
        grant_objects(function, data.artifacts_bucket, "s3:PutObject", [captured])
        for action in ("s3:PutObject", "s3:DeleteObject"):
            grant_objects(function, data.data_bucket, action, ["predictions/*"])
        grant_items(function, data.ledger, "dynamodb:GetItem", ["prediction"])
        grant_items(function, data.ledger, "dynamodb:PutItem", ["prediction"])
        grant_items(function, data.ledger, "dynamodb:DeleteItem", ["prediction_queue"])
        grant_data_keys(function, data.key)
        grant_put_events(function.role, self)
        allow(function.role, ["sqs:SendMessage"], [self.dead_letters.queue_arn])
        return function

    # --- what starts it

    def _start(self) -> None:
        function = self._add_start_batch()
        queue = PipelineQueue(
            self,
            "Files",
            key=self._data.key,
            # Lambda's advice: six times the function's timeout.
            visibility_timeout=Duration.seconds(6 * _START_S),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_ATTEMPTS),
        )
        function.add_event_source(
            sources.SqsEventSource(
                queue, batch_size=10, max_concurrency=_AT_ONCE, report_batch_item_failures=True
            )
        )
        if self._batch.schedule:
            CallOnSchedule(
                self,
                "OnSchedule",
                description=f"Headrace {self.pipeline.name}: answer the files under {_DROPPED}",
                schedule=scheduler.ScheduleExpression.expression(self._batch.schedule),
                function=function,
                key=self._data.key,
            )
            return
        events.Rule(
            self,
            "FileDropped",
            description=f"Headrace {self.pipeline.name}: a file under {_DROPPED}",
            event_pattern=dropped(self._data.data_bucket, {"prefix": _DROPPED}),
            targets=[targets.SqsQueue(queue, dead_letter_queue=self.undelivered)],
        )

    def _add_start_batch(self) -> PipelineFunction:
        data = self._data
        function = self._add_function(
            "StartBatch",
            "start_batch",
            timeout_s=_START_S,
            DATA_BUCKET=data.data_bucket.bucket_name,
            LEDGER_TABLE=data.ledger.table_name,
            PREDICT_BATCH_ARN=self.state_machine.state_machine_arn,
        )
        self.state_machine.grant_start_execution(function)
        if self._batch.schedule:
            grant_list(function, data.data_bucket, _DROPPED, action="s3:ListBucketVersions")
            grant_items(function, data.ledger, "dynamodb:Query", ["prediction"])
        if self._names_people:  # whether a file is what an erasure has left
            grant_objects(function, data.data_bucket, "s3:GetObjectVersion", [f"{_DROPPED}*"])
            # Without it S3 answers 403, not 404, for a file that is not there any more.
            grant_list(function, data.data_bucket, _DROPPED)
        return function

    @property
    def _names_people(self) -> bool:
        return self.pipeline.privacy is not None and self.pipeline.privacy.subject is not None

    def _add_function(
        self, id: str, name: str, *, timeout_s: int = 60, **environment: str
    ) -> PipelineFunction:
        return PipelineFunction(
            self,
            id,
            name=name,
            pipeline=self.pipeline,
            key=self._data.key,
            environment=environment,
            timeout_s=timeout_s,
        )

    def _add_file_function(self, id: str, name: str, **environment: str) -> PipelineFunction:
        """Add a function that goes through a whole file."""
        return PipelineFunction(
            self,
            id,
            name=name,
            pipeline=self.pipeline,
            key=self._data.key,
            environment=environment,
            memory_mb=1769,  # one whole vCPU; a file of any length takes a fraction of it
            scratch_mb=512 + 3 * self.pipeline.ingest.max_file_mb,
            timeout_s=900,
            pandas=True,
        )

    # --- what is told of it

    def _watch(self) -> None:
        alarms = OperationAlarms(self, "OperationAlarms", pipeline=self.pipeline, topic=self._data.topic)
        alarms.watch_state_machines({"PredictBatch": self.state_machine})
        alarms.watch_queues({"PredictionDeadLetters": self.dead_letters})
        for name, says in (
            ("BatchFilesRefused", "a file under batch/ cannot be answered"),
            ("BatchRowsRefused", "some rows of a file under batch/ have no prediction"),
        ):
            alarms.watch_metric(
                name,
                pipeline_metric(self.pipeline, name),
                Words(
                    says,
                    look="summary.json and rejected.csv in the file's folder under predictions/",
                    then="repair the file and drop it again; what could be answered stays",
                ),
            )
