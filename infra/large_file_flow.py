"""The states between a large file and its entry in the ledger."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.glue_job import GlueJob
from infra.glue_task import glue_task
from infra.state_machine import catch_all, lambda_task, says

_CLOSING = Duration.minutes(16)


def large_file_flow(
    scope: Construct, *, job: GlueJob, close: lambda_.IFunction, longest_run: Duration
) -> sfn.IChainable:
    """Chain the states: clean, close; clean again if another file has made the contract meanwhile."""
    scope = Construct(scope, "States")  # states are named as the functions are that they call
    begin = sfn.Pass.jsonata(scope, "Begin", assign={"folder": "{% $states.input.folder %}", "error": {}})
    clean = glue_task(scope, "CleanFile", job, arguments={"--folder": "{% $folder %}"}, timeout=longest_run)
    closed = lambda_task(
        scope, "CloseLargeFile", close, payload={"folder": "{% $folder %}"}, timeout=_CLOSING
    )
    refused = lambda_task(
        scope,
        "CloseFailed",
        close,
        payload={"folder": "{% $folder %}", "error": "{% $error %}"},
        timeout=_CLOSING,
    )
    catch_all([clean, closed], refused)
    refused.next(
        sfn.Fail.jsonata(scope, "CleaningFailed", error="CleaningFailed", cause="{% $string($error.Error) %}")
    )
    agreed = (
        sfn.Choice.jsonata(scope, "IsContractAgreed")
        .when(says("$states.input.again"), clean)
        .otherwise(sfn.Succeed.jsonata(scope, "FileClosed"))
    )
    return begin.next(clean).next(closed).next(agreed)
