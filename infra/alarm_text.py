"""Says in words what the alarms found."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.narrow_grants import (
    acknowledge_wildcards,
    grant_items,
    grant_list,
    grant_objects,
)
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import allow

_REPORTS = ("drift/", "quality/")


class AlarmText(Construct):
    """A page → ``explain_alarm``: reads the last reports, sends one text to the topic, keeps it as JSON.

    CloudWatch calls the function by itself. What it cannot explain, after three attempts, goes to the topic as it is, so
    that a page never gets lost for want of words.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, dashboard_name: str, data: DataStack
    ) -> None:
        super().__init__(scope, id)
        artifacts, ledger, topic = data.artifacts_bucket, data.ledger, data.topic
        self.function = PipelineFunction(
            self,
            "ExplainAlarm",
            name="explain_alarm",
            pipeline=pipeline,
            key=data.key,
            environment={
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "LEDGER_TABLE": ledger.table_name,
                "ALARM_TOPIC": topic.topic_arn,
                "DASHBOARD_NAME": dashboard_name,
            },
        )
        for prefix in _REPORTS:
            grant_list(self.function, artifacts, prefix)
        grant_objects(
            self.function, artifacts, "s3:GetObject", [f"{prefix}latest.json" for prefix in _REPORTS]
        )
        grant_objects(self.function, artifacts, "s3:PutObject", ["alarms/*"])
        grant_items(self.function, ledger, "dynamodb:GetItem", ["training", "champion"])
        grant_items(self.function, ledger, "dynamodb:Query", ["file", "training"])
        allow(self.function.role, ["cloudwatch:DescribeAlarms"], ["*"])
        acknowledge_wildcards(
            self.function.role,
            "Texts below a prefix are named at run time; DescribeAlarms is not authorised by alarm, and only reads.",
        )
        topic.grant_publish(self.function)
        self.function.configure_async_invoke(
            retry_attempts=2,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SnsDestination(topic),
        )
