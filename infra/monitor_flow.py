"""The states of one look at the traffic."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.state_machine import Task, catch_all, lambda_task, says

_LONGEST_CALL = Duration.minutes(11)
_ATTEMPTS = 2


def monitor_flow(
    scope: Construct, *, record_predictions: lambda_.IFunction, checks: Mapping[str, lambda_.IFunction]
) -> sfn.IChainable:
    """Chain the states: record what was captured until nothing is left, then run one check after the other.

    Parameters
    ----------
    scope : Construct
        Where the states are.
    record_predictions : IFunction
        Answers ``{"more": ...}``.
    checks : mapping of str to IFunction
        In their order, by the word that their answer has in the output of the run: ``drift`` is the state
        ``CheckDrift``.
    """
    scope = Construct(scope, "States")  # states are named as the functions are that they call
    record = lambda_task(scope, "RecordPredictions", record_predictions, payload={}, timeout=_LONGEST_CALL)
    answered = [
        lambda_task(
            scope,
            f"Check{name.title()}",
            function,
            payload={},
            timeout=_LONGEST_CALL,
            assign={name: "{% $states.result.Payload %}"},
        )
        for name, function in checks.items()
    ]
    tasks: list[Task] = [record, *answered]
    for task in tasks:
        # Each attempt goes on where the last one ended.
        task.add_retry(
            errors=["States.ALL"],
            interval=Duration.seconds(10),
            max_attempts=_ATTEMPTS,
            backoff_rate=2,
            jitter_strategy=sfn.JitterType.FULL,
        )
    failed = sfn.Fail.jsonata(
        scope, "MonitoringFailed", error="{% $failure.Error %}", cause="{% $failure.Cause %}"
    )
    catch_all(tasks, failed, variable="failure")
    looked = sfn.Succeed.jsonata(scope, "Looked", outputs={name: f"{{% ${name} %}}" for name in checks})
    more = says("$states.input.more")
    for before, after in zip(answered, [*answered[1:], looked], strict=True):
        before.next(after)
    return record.next(sfn.Choice.jsonata(scope, "IsThereMore").when(more, record).otherwise(answered[0]))
