"""Says in words what the drift alarm found."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction


class AlarmText(Construct):
    """Alarm event → ``explain_alarm``: reads the last report, sends a text to the topic, keeps it as JSON."""

    def __init__(  # noqa: PLR0913 - it reads from, writes to and links everything that it explains
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        goes_off: events.Rule,
        dashboard: cloudwatch.Dashboard,
        artifacts: s3.IBucket,
        ledger: dynamodb.ITable,
        topic: sns.ITopic,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.function = PipelineFunction(
            self,
            "ExplainAlarm",
            name="explain_alarm",
            pipeline=pipeline,
            key=key,
            environment={
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "LEDGER_TABLE": ledger.table_name,
                "ALARM_TOPIC": topic.topic_arn,
                "DASHBOARD_NAME": dashboard.dashboard_name,
            },
        )
        grant_list(self.function, artifacts, "drift/latest.json")
        grant_objects(self.function, artifacts, "s3:GetObject", ["drift/latest.json"])
        grant_objects(self.function, artifacts, "s3:PutObject", ["drift/alarms/*"])
        grant_items(self.function, ledger, "dynamodb:GetItem", ["training", "champion"])
        grant_items(self.function, ledger, "dynamodb:Query", ["file", "training"])
        grant_data_keys(self.function, key)
        topic.grant_publish(self.function)
        goes_off.add_target(targets.LambdaFunction(self.function))
