"""The one way this project defines a log group."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.pipeline_stack import PipelineStack

_DAYS = {
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    731: logs.RetentionDays.TWO_YEARS,
    1827: logs.RetentionDays.FIVE_YEARS,
    3653: logs.RetentionDays.TEN_YEARS,
}


class PipelineLogs(logs.LogGroup):
    """An encrypted log group that forgets when the pipeline file says, and goes with its stack.

    Parameters
    ----------
    key : IKey
        Encrypts the log.
    days : int, optional
        How long it is kept where that is not for the pipeline file to say: one of 30, 90, 180, 365, 731, 1827, 3653.
    name : str, optional
        Where a service looks for a log group by its name.
    """

    def __init__(
        self, scope: Construct, id: str, *, key: kms.IKey, days: int | None = None, name: str | None = None
    ) -> None:
        kept = days or PipelineStack.of_pipeline(scope).pipeline.log_days
        super().__init__(
            scope,
            id,
            log_group_name=name,
            encryption_key=key,
            retention=_DAYS[kept],
            removal_policy=RemovalPolicy.DESTROY,
        )
