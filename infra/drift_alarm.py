"""The drift alarm, and what happens when it goes off."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.pipeline_metrics import pipeline_metric


class DriftAlarm(Construct):
    """Alarm on drifted features → notification, and an event that starts the training.

    One period of one minute, and missing data keeps the state: between two checks there is no data, so the alarm
    says what the last check found, reacts within a minute of it whatever the schedule is, and a clean check clears
    it. A period as long as the schedule would add up neighbouring checks, and hold a clean check's answer back for
    as long as the drifted one before it is in the window.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, topic: sns.ITopic) -> None:
        super().__init__(scope, id)
        self.alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_description=(
                f"Headrace {pipeline.name}: features that callers send have moved away from the training data. "
                "The message that follows names them; drift/latest.json in the artifacts bucket is the full report."
            ),
            metric=pipeline_metric(
                pipeline, "DriftedFeatures", statistic="Maximum", period=Duration.minutes(1)
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        notify = actions.SnsAction(topic)
        self.alarm.add_alarm_action(notify)
        self.alarm.add_ok_action(notify)
        self.goes_off = events.Rule(
            self,
            "GoesOff",
            description=f"Headrace {pipeline.name}: the drift alarm goes off",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                resources=[self.alarm.alarm_arn],
                detail={"state": {"value": ["ALARM"]}},
            ),
        )

    def start_training(self, state_machine: sfn.IStateMachine) -> None:
        """Let the alarm start `state_machine`, whose guard then decides whether there is anything to train on."""
        role = iam.Role(self, "StartTrainingRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        state_machine.grant_start_execution(role)
        self.goes_off.add_target(
            targets.SfnStateMachine(
                state_machine,
                role=role,
                input=events.RuleTargetInput.from_object(
                    {"reason": "drift", "detail": events.EventField.from_path("$.detail")}
                ),
            )
        )
