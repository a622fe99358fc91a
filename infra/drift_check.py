"""Compares what the endpoint is asked with what its model was trained on, on a schedule."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import (
    acknowledge_wildcards,
    grant_data_keys,
    grant_items,
    grant_list,
    grant_objects,
)
from infra.pipeline_function import PipelineFunction


class DriftCheck(Construct):
    """Schedule → ``check_drift``: reads baseline and captured predictions, writes report, metrics, checkpoint."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        artifacts: s3.IBucket,
        ledger: dynamodb.ITable,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        endpoint = f"headrace-{pipeline.name}"
        self.function = PipelineFunction(
            self,
            "CheckDrift",
            name="check_drift",
            pipeline=pipeline,
            key=key,
            environment={
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "LEDGER_TABLE": ledger.table_name,
                "ENDPOINT_NAME": endpoint,
            },
            memory_mb=1769,  # one whole vCPU: the check computes
            timeout_s=300,
            pandas=True,  # for NumPy
        )
        captured = f"capture/{endpoint}/"
        grant_list(self.function, artifacts, captured)
        grant_list(self.function, artifacts, "baselines/")
        grant_objects(self.function, artifacts, "s3:GetObject", ["baselines/*", f"{captured}*"])
        grant_objects(self.function, artifacts, "s3:PutObject", ["drift/*"])
        grant_items(self.function, ledger, "dynamodb:GetItem", ["champion", "monitor"])
        grant_items(self.function, ledger, "dynamodb:PutItem", ["monitor"])
        grant_data_keys(self.function, key)
        self._run_on(pipeline, key)

    def _run_on(self, pipeline: Pipeline, key: kms.IKey) -> None:
        role = iam.Role(
            self,
            "ScheduleRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        acknowledge_wildcards(role, "Invoking a function includes its versions; it is one function.")
        scheduler.Schedule(
            self,
            "Schedule",
            description=f"Headrace {pipeline.name}: check drift",
            schedule=scheduler.ScheduleExpression.expression(pipeline.monitoring.schedule),
            target=targets.LambdaInvoke(
                self.function,
                role=role,
                input=scheduler.ScheduleTargetInput.from_object({}),
                # The next check sees the same data: trying for long only piles checks up.
                retry_attempts=2,
                max_event_age=Duration.minutes(15),
            ),
            key=key,
        )
