"""Captures the predictions of serverless and asynchronous endpoints, for which SageMaker has no DataCapture."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as log_destinations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.dead_letters import DeadLetterQueue
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_logs import PipelineLogs

_FEATURES_DAYS = 30
"""Captured predictions hold features: their log is shorter than others."""


class EndpointLogs(Construct):
    """The log group that SageMaker writes the endpoint's container logs to.

    Defined here, before the endpoint exists, so that it is encrypted and expires: SageMaker writes to a log group
    of this name if there is one, and makes an unencrypted one that never expires if there is none.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, key: kms.IKey) -> None:
        super().__init__(scope, id)
        name = f"/aws/sagemaker/Endpoints/headrace-{pipeline.name}"
        days = _FEATURES_DAYS if pipeline.endpoint.logs_requests else None
        self.log_group = PipelineLogs(self, "LogGroup", key=key, name=name, days=days)


class LogCapture(Construct):
    """Log line of a prediction → subscription filter → ``store_predictions`` → ``capture/`` in the bucket.

    A batch that fails three times is kept in a queue for two weeks.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        log_group: logs.ILogGroup,
        artifacts: s3.IBucket,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        endpoint = f"headrace-{pipeline.name}"
        self.lost_batches = _queue_of_lost_batches(self, key)
        self.function = PipelineFunction(
            self,
            "StorePredictions",
            name="store_predictions",
            pipeline=pipeline,
            key=key,
            environment={"ARTIFACTS_BUCKET": artifacts.bucket_name, "ENDPOINT_NAME": endpoint},
            memory_mb=512,
        )
        grant_objects(self.function, artifacts, "s3:PutObject", [f"capture/{endpoint}/*"])
        grant_data_keys(self.function, key)
        self.function.configure_async_invoke(
            retry_attempts=2,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SqsDestination(self.lost_batches),
        )
        acknowledge_wildcards(
            self.function.role,
            "The queue's and the key's grants; GenerateDataKey* and ReEncrypt* are one action each.",
        )
        logs.SubscriptionFilter(
            self,
            "Subscription",
            log_group=log_group,
            destination=log_destinations.LambdaDestination(self.function),
            # A term, not a JSON pattern: a line that was cut is no JSON, and is to be counted rather than skipped.
            filter_pattern=logs.FilterPattern.literal('"captureData"'),
        )


def _queue_of_lost_batches(scope: Construct, key: kms.IKey) -> DeadLetterQueue:
    return DeadLetterQueue(scope, "LostBatches", key=key)
