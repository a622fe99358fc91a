"""Looks after alarms that stay on: whether a training has cured them, and whether another one is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.drift_alarm import becoming
from infra.narrow_grants import acknowledge_wildcards, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.sagemaker_task import allow, sagemaker_arn
from infra.schedules import CallOnSchedule
from infra.training_stack import TrainingStack

_EVERY = Duration.minutes(15)
_REPORTS = {"drift": "drift/latest.json", "quality": "quality/latest.json"}


class TrainingFollowUp(Construct):
    """Every quarter of an hour, and when an alarm is over → ``follow_training``.

    Attributes
    ----------
    function : PipelineFunction
        Reads alarms and reports, keeps the ledger up to date, and starts the training that is due.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        alarms: Mapping[str, Sequence[cloudwatch.IAlarm]],
        training: TrainingStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id)
        self._pipeline = pipeline
        self.function = PipelineFunction(
            self,
            "FollowTraining",
            name="follow_training",
            pipeline=pipeline,
            key=data.key,
            environment={
                "LEDGER_TABLE": data.ledger.table_name,
                "ARTIFACTS_BUCKET": data.artifacts_bucket.bucket_name,
                "TRAINING_ARN": training.state_machine.state_machine_arn,
                **{
                    f"{reason.upper()}_ALARMS": " ".join(alarm.alarm_name for alarm in alarms.get(reason, ()))
                    for reason in _REPORTS
                },
            },
        )
        self._grant(training, data)
        self._run_when_over([alarm for of_reason in alarms.values() for alarm in of_reason])
        CallOnSchedule(
            self,
            "LookAfter",
            description=f"Headrace {pipeline.name}: look after alarms that stay on",
            schedule=scheduler.ScheduleExpression.rate(_EVERY),
            function=self.function,
            key=data.key,
        )

    def _grant(self, training: TrainingStack, data: DataStack) -> None:
        function, ledger = self.function, data.ledger
        grant_items(function, ledger, "dynamodb:Query", ["file", "training"])
        grant_items(function, ledger, "dynamodb:GetItem", ["training", "champion"])
        for action in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
            grant_items(function, ledger, action, ["training"])
        for report in _REPORTS.values():
            grant_list(function, data.artifacts_bucket, report)
            grant_objects(function, data.artifacts_bucket, "s3:GetObject", [report])
        packages = sagemaker_arn(self, "model-package", f"{training.model_package_group_name}/*")
        allow(function.role, ["sagemaker:DescribeModelPackage"], [packages])
        training.state_machine.grant_start_execution(function)
        training.state_machine.grant_execution(function, "states:DescribeExecution")
        allow(function.role, ["cloudwatch:DescribeAlarms"], ["*"])
        acknowledge_wildcards(
            function.role,
            "Model packages are versions of one group, and executions are named at run time; AWS asks for everything where composite alarms may be among the answers.",
        )

    def _run_when_over(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        if not alarms:
            return
        rule = events.Rule(
            self,
            "IsOver",
            description=f"Headrace {self._pipeline.name}: an alarm that starts trainings is over",
            event_pattern=becoming("OK", alarms),
        )
        rule.add_target(
            targets.LambdaFunction(
                self.function, dead_letter_queue=PipelineStack.of_pipeline(self).undelivered
            )
        )
