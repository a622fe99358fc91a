"""Cleans files that are too large for a function: Spark on AWS Glue, and the state machine around it."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from constructs import Construct

from headrace.config.large_data import LargeData
from headrace.config.pipeline import Pipeline
from infra.catalogue_grant import grant_catalogue
from infra.code_bundle import glue_bundle
from infra.data_stack import DataStack
from infra.glue_job import GlueJob, SparkCode, SparkSecurity
from infra.glue_task import grant_runs
from infra.large_file_flow import large_file_flow
from infra.large_files import SNAPSHOT_ORDERS, WORK, state_machine_name
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_list, grant_objects
from infra.operation_alarms import OperationAlarms
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.sagemaker_task import allow, grant_put_events
from infra.state_machine import PipelineStateMachine

_START_UP = Duration.minutes(15)
_WAITING = Duration.days(2)


class LargeDataStack(PipelineStack):
    """The job that cleans large files, the function that lets the result count, and the state machine of both.

    Attributes
    ----------
    state_machine : PipelineStateMachine
        One execution for each version of a large file.
    snapshot_job : GlueJob
        Makes snapshots that are too large for a function.
    longest_run : Duration
        Of a job, its start included.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, large_data: LargeData, data: DataStack
    ) -> None:
        super().__init__(scope, id, pipeline=pipeline, description="large files", hardening=data.hardening)
        self._data, self._large_data = data, large_data
        self._code = SparkCode(self, "SparkCode", folder=str(glue_bundle()))
        self._security = SparkSecurity(self, "Security", name=f"headrace-{pipeline.name}", key=data.key)
        job = self._add_clean_file()
        self.snapshot_job = self._add_snapshot_data()
        close = self._add_close_large_file()
        self.longest_run = longest_run = Duration.minutes(large_data.timeout_minutes).plus(_START_UP)
        self.state_machine = PipelineStateMachine(
            self,
            "CleanLargeFile",
            name=state_machine_name(pipeline),
            definition=large_file_flow(self, job=job, close=close, longest_run=longest_run),
            key=data.key,
            timeout=Duration.minutes(4 * longest_run.to_minutes()).plus(_WAITING),
            comment=f"Headrace {pipeline.name}: from a large file to its entry in the ledger",
        )
        grant_runs(self.state_machine.role, job)
        alarms = OperationAlarms(self, "OperationAlarms", pipeline=pipeline, topic=data.topic)
        alarms.watch_state_machines({"LargeFile": self.state_machine})
        CfnOutput(self, "CleanLargeFileArn", value=self.state_machine.state_machine_arn)

    def _add_clean_file(self) -> GlueJob:
        data, job = self._data, self._add_job("CleanFile", "clean_file")
        objects = data.data_bucket.arn_for_objects
        allow(job.role, ["s3:GetObjectVersion"], [objects("incoming/*")])
        allow(job.role, ["s3:GetObject"], [objects(f"{WORK}*")])
        if data.privacy_keys.hashes:
            data.privacy_keys.hashes.allow(job.role)
        written = [objects(f"{prefix}*") for prefix in (WORK, "curated/", "quarantine/", "refusals/")]
        allow(job.role, ["s3:PutObject", "s3:AbortMultipartUpload"], written)
        return job

    def _add_snapshot_data(self) -> GlueJob:
        data, job = self._data, self._add_job("SnapshotData", "snapshot_data")
        objects = data.artifacts_bucket.arn_for_objects
        allow(job.role, ["s3:GetObject"], [data.data_bucket.arn_for_objects("curated/*")])
        allow(job.role, ["s3:GetObject"], [objects(f"{SNAPSHOT_ORDERS}*")])
        allow(job.role, ["s3:PutObject", "s3:AbortMultipartUpload"], [objects("snapshots/*")])
        return job

    def _add_job(self, id: str, name: str) -> GlueJob:
        return GlueJob(
            self,
            id,
            name=name,
            log_prefix=f"/aws-glue/headrace-{self.pipeline.name}/{name.replace('_', '-')}",
            key=self._data.key,
            large_data=self._large_data,
            code=self._code,
            security=self._security,
        )

    def _add_close_large_file(self) -> PipelineFunction:
        data = self._data
        function = PipelineFunction(
            self,
            "CloseLargeFile",
            name="close_large_file",
            pipeline=self.pipeline,
            key=data.key,
            environment={
                "DATA_BUCKET": data.data_bucket.bucket_name,
                "ARTIFACTS_BUCKET": data.artifacts_bucket.bucket_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "GLUE_DATABASE": data.glue_database_name,
                "GLUE_TABLE": data.glue_table_name,
            },
            memory_mb=1024,
            timeout_s=900,
            pandas=True,
        )
        bucket = data.data_bucket
        grant_objects(function, bucket, "s3:GetObject", ["curated/*", f"{WORK}*"])
        grant_objects(function, bucket, "s3:GetObjectVersion", ["incoming/*"])
        written = ["profiles/ingest/*", "quarantine/*", "refusals/*", f"{WORK}*/order.json"]
        grant_objects(function, bucket, "s3:PutObject", written)
        # What a run that failed, or was repeated, has left behind is deleted with the work folder.
        refused = ["quarantine/*/rejected.csv", "quarantine/*/reason.json", "refusals/*"]
        leftovers = [f"{WORK}*", "curated/*", *refused]
        grant_objects(function, bucket, "s3:DeleteObject", leftovers)
        grant_list(function, bucket, WORK)
        grant_list(function, bucket, "curated/")
        grant_objects(function, data.artifacts_bucket, "s3:GetObject", ["contract/contract.json"])
        grant_objects(function, data.artifacts_bucket, "s3:PutObject", ["contract/*"])
        grant_list(function, data.artifacts_bucket, "contract/")
        grant_items(function, data.ledger, "dynamodb:PutItem", ["file"])
        grant_items(function, data.ledger, "dynamodb:UpdateItem", ["quarantine"])
        grant_data_keys(function, data.key)
        grant_catalogue(function, data)
        grant_put_events(function.role, self)
        acknowledge_wildcards(
            function.role, "File names are chosen by users and days: the prefix is the scope."
        )
        return function
