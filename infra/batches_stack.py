"""Gathers files into batches, each of which is trained on once; part of a pipeline with `arrival.train: batch`."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.batch_flow import batch_flow
from infra.data_stack import DataStack
from infra.dead_letters import DeadLetters
from infra.dropped_objects import dropped
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects
from infra.operation_alarms import OperationAlarms, Words
from infra.pipeline_function import PipelineFunction
from infra.pipeline_metrics import pipeline_metric
from infra.pipeline_stack import PipelineStack
from infra.sagemaker_task import grant_put_events
from infra.state_machine import PipelineStateMachine
from infra.trust import trust_rules_of_this_account

_SETTLE = Duration.hours(1)
"""Beyond the wait itself, for the last look and its retries."""


class BatchesStack(PipelineStack):
    """Marker or manifest under ``incoming/`` → state machine with ``gather_batch`` → event ``BatchAccepted``.

    Attributes
    ----------
    state_machine : PipelineStateMachine
        One execution for each marker or manifest.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack) -> None:
        super().__init__(
            scope, id, pipeline=pipeline, description="batches of files", hardening=data.hardening
        )
        self._data = data
        function = self._add_gather_batch()
        self.state_machine = PipelineStateMachine(
            self,
            "Batch",
            definition=batch_flow(self, function),
            key=data.key,
            timeout=Duration.minutes(pipeline.arrival.wait_minutes).plus(_SETTLE),
            comment=f"Headrace {pipeline.name}: from a marker or a manifest to an accepted batch",
        )
        dead_letters = DeadLetters(self, "DeadLetters", key=data.key)
        self._start_on_markers(dead_letters)
        self._watch(dead_letters)
        CfnOutput(self, "BatchStateMachineArn", value=self.state_machine.state_machine_arn)

    def _add_gather_batch(self) -> PipelineFunction:
        data = self._data
        function = PipelineFunction(
            self,
            "GatherBatch",
            name="gather_batch",
            pipeline=self.pipeline,
            key=data.key,
            environment={
                "DATA_BUCKET": data.data_bucket.bucket_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
            },
            memory_mb=512,
            timeout_s=300,  # a hundred thousand files are a hundred pages of versions and thirty of the ledger
        )
        manifests = ["incoming/*.manifest.json"]
        grant_objects(function, data.data_bucket, "s3:GetObjectVersion", manifests)
        grant_objects(function, data.data_bucket, "s3:PutObject", ["quarantine/*", "refusals/*"])
        grant_list(function, data.data_bucket, "incoming/", action="s3:ListBucketVersions")
        grant_items(function, data.ledger, "dynamodb:Query", ["file"])
        grant_items(function, data.ledger, "dynamodb:PutItem", ["batch", "file"])
        grant_items(function, data.ledger, "dynamodb:UpdateItem", ["quarantine"])
        data.idempotency.grant(function, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        grant_data_keys(function, data.key)
        grant_put_events(function.role, self)
        return function

    def _start_on_markers(self, dead_letters: DeadLetters) -> None:
        rule = events.Rule(
            self,
            "BatchDropped",
            description=f"Headrace {self.pipeline.name}: a marker or a manifest under incoming/",
            event_pattern=dropped(
                self._data.data_bucket,
                "incoming/_SUCCESS",
                {"wildcard": "incoming/*/_SUCCESS"},
                {"wildcard": "incoming/*.manifest.json"},
            ),
        )
        rule.add_target(
            targets.SfnStateMachine(
                self.state_machine,
                retry_attempts=8,
                max_event_age=Duration.hours(6),
                dead_letter_queue=dead_letters.queue,
            )
        )
        trust_rules_of_this_account(self.state_machine)

    def _watch(self, dead_letters: DeadLetters) -> None:
        alarms = OperationAlarms(self, "OperationAlarms", pipeline=self.pipeline, topic=self._data.topic)
        alarms.watch_state_machines({"Batch": self.state_machine})
        alarms.watch_queues({"BatchDeadLetters": dead_letters.queue})
        if self.pipeline.arrival.if_missing == "train":
            alarms.watch_metric(
                "FilesMissing",
                pipeline_metric(self.pipeline, "FilesMissing"),
                Words(
                    "a batch was trained on without files that it should have",
                    look="the output of its execution in Step Functions names them",
                    then="drop them: a late file is taken in with the next batch",
                ),
            )
