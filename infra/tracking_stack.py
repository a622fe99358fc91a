"""Writes trainings down in MLflow, once they have ended."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from headrace.config.pipeline import Pipeline
from headrace.config.tracking import Tracking, managed_server
from infra.data_stack import DataStack
from infra.narrow_grants import grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.sagemaker_task import allow

_LONGEST_S = 120
_OF_A_SERVER = [
    f"sagemaker-mlflow:{action}"
    for action in (
        "CreateExperiment",
        "CreateModelVersion",
        "CreateRegisteredModel",
        "CreateRun",
        "GetExperimentByName",
        "GetRegisteredModel",
        "LogBatch",
        "SearchRuns",
        "UpdateRun",
    )
]
_OF_AN_APP = ["sagemaker:CallMlflowAppApi"]


class TrackingStack(PipelineStack):
    """A function that an event starts when a training has ended: nothing of the training waits for it.

    Attributes
    ----------
    track : PipelineFunction
        Speaks with MLflow.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, tracking: Tracking, data: DataStack
    ) -> None:
        super().__init__(scope, id, pipeline=pipeline, description="runs in MLflow", hardening=data.hardening)
        bucket = data.artifacts_bucket
        self.track = PipelineFunction(
            self,
            "TrackRun",
            name="track_run",
            pipeline=pipeline,
            key=data.key,
            environment={"ARTIFACTS_BUCKET": bucket.bucket_name},
            timeout_s=_LONGEST_S,
        )
        grant_objects(self.track, bucket, "s3:GetObject", ["evaluations/*"])
        grant_list(self.track, bucket, "evaluations/")
        if server := managed_server(tracking.mlflow):
            allow(self.track.role, _OF_AN_APP if server.is_app else _OF_A_SERVER, [server.arn])
        self._start_on_ends()

    def _start_on_ends(self) -> None:
        rule = events.Rule(
            self,
            "OnTrainingFinished",
            description=f"Headrace {self.pipeline.name}: a training that has ended is written down in MLflow",
            event_pattern=events.EventPattern(
                source=["headrace"],
                detail_type=["TrainingFinished"],
                detail={"pipeline": [self.pipeline.name]},
            ),
        )
        rule.add_target(
            targets.LambdaFunction(
                self.track,
                retry_attempts=2,
                max_event_age=Duration.hours(1),
                dead_letter_queue=self.undelivered,
            )
        )
