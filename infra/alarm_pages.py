"""Tells people of alarms: one message for one cause, however many alarms it sets off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from headrace.config.pipeline import Pipeline

_SUPPRESSOR_WAIT = Duration.minutes(5)
"""Both alarms look at five minutes: the one that explains the other may come as much later."""


class AlarmPages(Construct):
    """Composite alarms, one for each cause; only they call the function that tells people.

    Attributes
    ----------
    pages : dict of str to AlarmBase
        What tells people, by name: a composite alarm, or the only alarm of its cause.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, explain: lambda_.IFunction) -> None:
        super().__init__(scope, id)
        self.pages: dict[str, cloudwatch.AlarmBase] = {}
        self._pipeline = pipeline
        self._tell = actions.LambdaAction(explain, use_unique_permission_id=True)

    def add(
        self,
        name: str,
        says: str,
        alarms: Sequence[cloudwatch.AlarmBase],
        *,
        explained_by: cloudwatch.AlarmBase | None = None,
        for_as_long_as: Duration | None = None,
    ) -> None:
        """Tell once when any of `alarms` goes off, and once when all are over; nothing is told if there are none.

        Parameters
        ----------
        explained_by : AlarmBase, optional
            While this one is on, and `for_as_long_as` after it, it has said everything, and nothing is told.
        """
        if not alarms:
            return
        page: cloudwatch.AlarmBase = alarms[0]
        if len(alarms) > 1 or explained_by:
            page = _composite(
                self,
                name,
                alarm_description=f"Headrace {self._pipeline.name}: {says}.",
                alarm_rule=cloudwatch.AlarmRule.any_of(*alarms),
                actions_suppressor=explained_by,
                actions_suppressor_wait_period=_SUPPRESSOR_WAIT if explained_by else None,
                actions_suppressor_extension_period=for_as_long_as if explained_by else None,
            )
        page.add_alarm_action(self._tell)
        page.add_ok_action(self._tell)
        self.pages[name] = page


def _composite(
    scope: Construct, id: str, *, alarm_rule: cloudwatch.IAlarmRule, **properties: Any
) -> cloudwatch.CompositeAlarm:
    """Make a composite alarm whose name is CloudFormation's to choose, as all others are; the L2 chooses one itself."""
    alarm = cloudwatch.CompositeAlarm(scope, id, alarm_rule=alarm_rule, **properties)
    resource = alarm.node.default_child
    assert isinstance(resource, cloudwatch.CfnCompositeAlarm)
    resource.add_property_deletion_override("AlarmName")
    return alarm


def chosen(alarms: Mapping[str, cloudwatch.Alarm], names: Sequence[str]) -> list[cloudwatch.AlarmBase]:
    """Return those of `alarms` that are made, in the order of `names`."""
    return [alarms[name] for name in names if name in alarms]
