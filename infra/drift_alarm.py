"""The drift alarm, and what happens when it goes off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.operation_alarms import Words, feed
from infra.pipeline_metrics import pipeline_metric
from infra.pipeline_stack import PipelineStack
from infra.trust import trust_only_this_account


class DriftAlarm(Construct):
    """Alarm on drifted features.

    One period of one minute, and missing data keeps the state: between two checks there is no data, so the alarm
    says what the last check found, reacts within a minute of it whatever the schedule is, and a clean check clears
    it. A period as long as the schedule would add up neighbouring checks, and hold a clean check's answer back for
    as long as the drifted one before it is in the window.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline) -> None:
        super().__init__(scope, id)
        self.alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_description=Words(
                "features that callers send have moved away from the training data",
                look="drift/latest.json in the artifacts bucket names them",
                then="retraining, if retraining.on names drift and there are new labelled rows",
            ).of(pipeline),
            metric=pipeline_metric(
                pipeline, "DriftedFeatures", statistic="Maximum", period=Duration.minutes(1)
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        feed(self.alarm)


def becoming(state: Literal["ALARM", "OK"], alarms: Sequence[cloudwatch.IAlarm]) -> events.EventPattern:
    """Return the events of `alarms` that change to `state`."""
    return events.EventPattern(
        source=["aws.cloudwatch"],
        detail_type=["CloudWatch Alarm State Change"],
        resources=[alarm.alarm_arn for alarm in alarms],
        detail={"state": {"value": [state]}},
    )


class AlarmsStartTraining(Construct):
    """One of some alarms goes off → the training starts, and its guard decides whether there is anything to train on."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        alarms: Sequence[cloudwatch.IAlarm],
        reason: str,
        state_machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id)
        self.rule = events.Rule(
            self,
            "GoesOff",
            description=f"Headrace {pipeline.name}: an alarm on {reason} goes off",
            event_pattern=becoming("ALARM", alarms),
        )
        role = iam.Role(self, "StartTrainingRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        trust_only_this_account(role)
        state_machine.grant_start_execution(role)
        self.rule.add_target(
            targets.SfnStateMachine(
                state_machine,
                role=role,
                input=events.RuleTargetInput.from_object(
                    {"reason": reason, "detail": events.EventField.from_path("$.detail")}
                ),
                dead_letter_queue=PipelineStack.of_pipeline(self).undelivered,
            )
        )
