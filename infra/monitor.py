"""Looks at the traffic on a schedule."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.monitor_flow import monitor_flow
from infra.schedules import schedule_role
from infra.state_machine import PipelineStateMachine

_LONGEST = Duration.hours(6)


class Monitor(Construct):
    """Schedule → state machine → ``record_predictions``, as long as there is more, and then the checks.

    Attributes
    ----------
    state_machine : PipelineStateMachine
        Looks at what is new when it is started with ``{}``. Two runs at once do no harm: one of them finds the work
        of the other done.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        record_predictions: lambda_.IFunction,
        checks: Mapping[str, lambda_.IFunction],
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.state_machine = PipelineStateMachine(
            self,
            "Monitor",
            definition=monitor_flow(self, record_predictions=record_predictions, checks=checks),
            key=key,
            timeout=_LONGEST,
            comment=f"Headrace {pipeline.name}: from captured predictions to verdicts on them",
        )
        self._run_on_schedule(pipeline, key)

    def _run_on_schedule(self, pipeline: Pipeline, key: kms.IKey) -> None:
        role = schedule_role(self, "ScheduleRole")
        scheduler.Schedule(
            self,
            "Schedule",
            description=f"Headrace {pipeline.name}: record predictions and check them",
            schedule=scheduler.ScheduleExpression.expression(pipeline.monitoring.schedule),
            target=targets.StepFunctionsStartExecution(
                self.state_machine,
                role=role,
                input=scheduler.ScheduleTargetInput.from_object({}),
                # The next run sees the same data: trying for long only piles runs up.
                retry_attempts=2,
                max_event_age=Duration.minutes(15),
            ),
            key=key,
        )
