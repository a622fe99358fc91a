"""From a dropped file to the function that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.catalogue_grant import grant_catalogue
from infra.dead_letters import DeadLetterQueue
from infra.dropped_objects import dropped
from infra.large_files import grant_hand_over
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_queue import PipelineQueue

if TYPE_CHECKING:
    from infra.data_stack import DataStack

_TIMEOUT_S = 300
_MEMORY_MB = 1769  # one whole vCPU; a file of any length takes a fraction of it
_ATTEMPTS = 3
_AT_ONCE = 10


class Ingestion(Construct):
    """``Object Created`` under ``incoming/`` → queue → ``ingest_file``; what fails three times goes to `dead_letters`."""

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack) -> None:
        super().__init__(scope, id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters", key=data.key)
        queue = PipelineQueue(
            self,
            "Files",
            key=data.key,
            # Lambda's advice: six times the function's timeout.
            visibility_timeout=Duration.seconds(6 * _TIMEOUT_S),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_ATTEMPTS),
        )
        events.Rule(
            self,
            "FileDropped",
            description=f"Headrace {pipeline.name}: a file under incoming/",
            event_pattern=dropped(data.data_bucket, {"prefix": "incoming/"}),
            targets=[targets.SqsQueue(queue, dead_letter_queue=data.undelivered)],
        )
        self.function = self._function(pipeline, data)
        self.function.add_event_source(
            # One at a time: a file that brings the function down uses up no attempt of another.
            sources.SqsEventSource(
                queue, batch_size=1, max_concurrency=_AT_ONCE, report_batch_item_failures=True
            )
        )

    def _function(self, pipeline: Pipeline, data: DataStack) -> PipelineFunction:
        function = PipelineFunction(
            self,
            "IngestFile",
            name="ingest_file",
            pipeline=pipeline,
            key=data.key,
            environment={
                "DATA_BUCKET": data.data_bucket.bucket_name,
                "ARTIFACTS_BUCKET": data.artifacts_bucket.bucket_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
                "GLUE_DATABASE": data.glue_database_name,
                "GLUE_TABLE": data.glue_table_name,
            },
            memory_mb=_MEMORY_MB,
            scratch_mb=_scratch_mb(pipeline.ingest.max_file_mb),
            timeout_s=_TIMEOUT_S,
            pandas=True,
        )
        grant_objects(function, data.data_bucket, "s3:GetObjectVersion", ["incoming/*"])
        written = ["curated/*", "profiles/ingest/*", "quarantine/*", "refusals/*"]
        grant_objects(function, data.data_bucket, "s3:PutObject", written)
        # Without it S3 answers 403, not 404, for a file that is not there any more.
        grant_list(function, data.data_bucket, "incoming/")
        grant_objects(function, data.artifacts_bucket, "s3:GetObject", ["contract/contract.json"])
        grant_objects(function, data.artifacts_bucket, "s3:PutObject", ["contract/*"])
        # Without it S3 answers 403, not 404, for a contract that is not there yet.
        grant_list(function, data.artifacts_bucket, "contract/")
        grant_items(function, data.ledger, "dynamodb:PutItem", ["file"])
        grant_items(function, data.ledger, "dynamodb:UpdateItem", ["quarantine"])
        # Who comes second is told by the refused PutItem what is there: nothing is got.
        data.idempotency.grant(function, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        grant_data_keys(function, data.key)
        grant_catalogue(function, data)
        function.add_to_role_policy(_announcements(self))
        data.privacy_keys.grant_to(function)
        if data.privacy_keys.hashes:
            grant_items(function, data.ledger, "dynamodb:Query", ["erased"])
        if pipeline.large_data:
            grant_hand_over(function, data.data_bucket, pipeline)
        acknowledge_wildcards(
            function.role, "File names are chosen by users and days: the prefix is the scope."
        )
        return function


def _scratch_mb(largest_file_mb: int) -> int:
    """Return the disk that a file takes: dropped, unpacked, its good rows twice, and the refused ones."""
    return 512 + 5 * largest_file_mb


def _announcements(scope: Construct) -> iam.PolicyStatement:
    stack = Stack.of(scope)
    return iam.PolicyStatement(
        actions=["events:PutEvents"],
        resources=[f"arn:{stack.partition}:events:{stack.region}:{stack.account}:event-bus/default"],
        conditions={"StringEquals": {"events:source": "headrace"}},
    )
