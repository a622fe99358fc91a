"""The states of an import."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.state_machine import lambda_task, says

_LONGEST_CALL = Duration.minutes(16)
_ATTEMPTS = 3


def import_flow(
    scope: Construct, *, plan_import: lambda_.IFunction, import_rows: lambda_.IFunction, lag: Duration
) -> sfn.IChainable:
    """Chain the states: see what is newest, wait for open transactions, import until nothing is left."""
    scope = Construct(scope, "States")  # states are named as the functions are that they call
    plan, rows = (
        lambda_task(scope, id, function, payload={}, timeout=_LONGEST_CALL)
        for id, function in (("PlanImport", plan_import), ("ImportRows", import_rows))
    )
    for task in (plan, rows):
        # A database restarts, fails over or is short of connections; each attempt goes on where the last one ended.
        task.add_retry(
            errors=["States.ALL"],
            interval=Duration.seconds(30),
            max_attempts=_ATTEMPTS,
            backoff_rate=2,
            jitter_strategy=sfn.JitterType.FULL,
        )
    imported = sfn.Succeed.jsonata(scope, "Imported")
    more = says("$states.input.more")
    rows.next(sfn.Choice.jsonata(scope, "IsThereMore").when(more, rows).otherwise(imported))
    wait = sfn.Wait.jsonata(scope, "WaitForCommits", time=sfn.WaitTime.duration(lag)).next(rows)
    return plan.next(
        sfn.Choice.jsonata(scope, "IsThereAny")
        .when(more, wait)
        .otherwise(sfn.Succeed.jsonata(scope, "NothingNew"))
    )
