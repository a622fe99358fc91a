"""Starts the training at set times, on what has been accepted since the last one."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.dead_letters import DeadLetters
from infra.schedules import schedule_role


class TrainingSchedule(Construct):
    """Schedule → training state machine, with the reason ``schedule``; what cannot be started goes to `dead_letters`.

    Attributes
    ----------
    dead_letters : sqs.Queue
        Starts that have failed for good.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        expression: str,
        state_machine: sfn.IStateMachine,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.dead_letters: sqs.Queue = DeadLetters(self, "DeadLetters", key=key).queue
        role = schedule_role(self, "Role")
        # The target grants the sending; sending to an encrypted queue takes a data key.
        key.grant(role, "kms:GenerateDataKey")
        scheduler.Schedule(
            self,
            "Schedule",
            description=f"Headrace {pipeline.name}: train on what has come in",
            schedule=scheduler.ScheduleExpression.expression(expression),
            target=targets.StepFunctionsStartExecution(
                state_machine,
                role=role,
                input=scheduler.ScheduleTargetInput.from_object({"reason": "schedule", "detail": {}}),
                dead_letter_queue=self.dead_letters,
                retry_attempts=8,
                max_event_age=Duration.hours(1),
            ),
            key=key,
        )
