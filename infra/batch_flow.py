"""The states between a marker or a manifest and a batch that is trained on."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.state_machine import lambda_task, says


def batch_flow(scope: Construct, gather_batch: lambda_.IFunction) -> sfn.IChainable:
    """Chain the states: look how far the batch has come, wait, look again, until it is accepted or given up."""
    scope = Construct(scope, "States")  # states are named as the functions are that they call
    begin = sfn.Pass.jsonata(scope, "Begin", assign={"event": "{% $states.input %}"})
    gather = lambda_task(
        scope,
        "GatherBatch",
        gather_batch,
        payload={"time": "{% $event.time %}", "detail": "{% $event.detail %}"},
        timeout=Duration.minutes(6),
    )
    # The event of the marker came twice, and another execution is just settling the batch.
    gather.add_retry(
        errors=["IdempotencyAlreadyInProgressError"],
        interval=Duration.seconds(2),
        max_attempts=5,
        jitter_strategy=sfn.JitterType.FULL,
    )
    failed = sfn.Fail.jsonata(
        scope,
        "GatheringFailed",
        error="{% $states.input.Error %}",
        cause="{% $states.input.Cause %}",
    )
    gather.add_catch(failed, errors=["States.ALL"], outputs="{% $states.errorOutput %}")
    wait = sfn.Wait.jsonata(
        scope, "WaitForFiles", time=sfn.WaitTime.seconds("{% $states.input.again_in_s %}")
    )
    given_up = sfn.Fail.jsonata(
        scope,
        "BatchGivenUp",
        error="{% $states.input.state = 'refused' ? 'ManifestRefused' : 'FilesMissing' %}",
        cause="{% $states.input.why %}",
    )
    complete = (
        sfn.Choice.jsonata(scope, "IsComplete")
        .when(says("$states.input.state = 'waiting'"), wait.next(gather))
        .when(
            says("$states.input.state = 'accepted'"),
            sfn.Succeed.jsonata(scope, "BatchAccepted"),
        )
        .otherwise(given_up)
    )
    return begin.next(gather).next(complete)
