"""Schedules, and the roles that they start things with."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from infra.narrow_grants import acknowledge_wildcards


def schedule_role(scope: Construct, id: str) -> iam.Role:
    """Return a role that schedules of this account, and nobody else, may take."""
    return iam.Role(
        scope,
        id,
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        ),
    )


class CallOnSchedule(Construct):
    """Schedule → function, with ``{}``.

    What cannot be called is not kept: each call sees what the one before has left, so trying for long only piles calls up.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        description: str,
        schedule: scheduler.ScheduleExpression,
        function: lambda_.IFunction,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        role = schedule_role(self, "Role")
        acknowledge_wildcards(role, "Invoking a function includes its versions; it is one function.")
        scheduler.Schedule(
            self,
            "Schedule",
            description=description,
            schedule=schedule,
            target=targets.LambdaInvoke(
                function,
                role=role,
                input=scheduler.ScheduleTargetInput.from_object({}),
                retry_attempts=1,
                max_event_age=Duration.minutes(15),
            ),
            key=key,
        )
