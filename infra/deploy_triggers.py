"""What starts the state machine that deploys: approvals, the end of another deployment, alarms of a release, lost runs."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.pipeline_stack import PipelineStack
from infra.release_alarms import release_alarm_names
from infra.trust import trust_only_this_account


class DeployTriggers:
    """The rules, made in the serving stack's own scope. The input of an execution is the event's detail.

    Parameters
    ----------
    scope : Construct
        The stack.
    machine : IStateMachine
        What is started.
    model_package_group : str
        Whose approvals count.
    """

    def __init__(
        self, scope: Construct, *, pipeline: Pipeline, machine: sfn.IStateMachine, model_package_group: str
    ) -> None:
        self._scope, self._pipeline, self._machine = scope, pipeline, machine
        self._role = iam.Role(
            scope, "StartDeploymentRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com")
        )
        trust_only_this_account(self._role)
        machine.grant_start_execution(self._role)
        self._rule(
            "OnApproval",
            "an approved model is deployed",
            source="aws.sagemaker",
            detail_type="SageMaker Model Package State Change",
            detail={"ModelPackageGroupName": [model_package_group], "ModelApprovalStatus": ["Approved"]},
        )
        self._rule(
            "OnTurn",
            "a model that was approved during another deployment has its turn",
            source="headrace",
            detail_type="NextDeployment",
            detail={"pipeline": [pipeline.name]},
        )
        self._rule(
            "OnLoss",
            "what an execution has left that was stopped is undone",
            source="aws.states",
            detail_type="Step Functions Execution Status Change",
            detail={"stateMachineArn": [machine.state_machine_arn], "status": ["ABORTED", "TIMED_OUT"]},
        )
        if pipeline.release.shares:
            self._rule(
                "OnReleaseAlarm",
                "an alarm of a release withdraws it",
                source="aws.cloudwatch",
                detail_type="CloudWatch Alarm State Change",
                detail={
                    "alarmName": release_alarm_names(f"headrace-{pipeline.name}"),
                    "state": {"value": ["ALARM"]},
                },
            )

    def _rule(self, id: str, what: str, *, source: str, detail_type: str, detail: dict[str, Any]) -> None:
        rule = events.Rule(
            self._scope,
            id,
            description=f"Headrace {self._pipeline.name}: {what}",
            event_pattern=events.EventPattern(source=[source], detail_type=[detail_type], detail=detail),
        )
        rule.add_target(
            targets.SfnStateMachine(
                self._machine,
                role=self._role,
                input=events.RuleTargetInput.from_event_path("$.detail"),
                retry_attempts=8,
                max_event_age=Duration.hours(6),
                dead_letter_queue=PipelineStack.of_pipeline(self._scope).undelivered,
            )
        )
