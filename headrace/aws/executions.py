"""Executions of one state machine: starts them, tells whether they still run, and why one has failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Executions:
    """Executions of one state machine.

    Parameters
    ----------
    client : SFNClient
        Of Step Functions.
    state_machine_arn : str
        What is started; needless for who only asks whether executions still run.
    """

    def __init__(self, client: SFNClient, state_machine_arn: str = "") -> None:
        self._client, self._state_machine_arn = client, state_machine_arn

    def start(self, input: Mapping[str, Any]) -> str:
        """Start one and return its ARN."""
        answer = self._client.start_execution(
            stateMachineArn=self._state_machine_arn, input=json.dumps(input)
        )
        return answer["executionArn"]

    def start_once(self, name: str, input: Mapping[str, Any]) -> bool:
        """Start the one of this name; False if there was one of the name within the last three months."""
        try:
            self._client.start_execution(
                stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(input)
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def is_running(self, execution_arn: str) -> bool:
        """Tell whether an execution has not ended; one that Step Functions has forgotten has."""
        try:
            status = self._client.describe_execution(executionArn=execution_arn)["status"]
        except self._client.exceptions.ExecutionDoesNotExist:
            return False
        return status in ("RUNNING", "PENDING_REDRIVE")


def sentence_of(cause: str) -> str:
    """Find the sentence in the cause of a failed state: SageMaker's jobs and Lambda functions wrap theirs in JSON.

    Examples
    --------
    >>> sentence_of('{"errorMessage": "changed: a file differs", "errorType": "ModelRefusedError", "stackTrace": []}')
    'changed: a file differs'
    >>> sentence_of("the endpoint has failed")
    'the endpoint has failed'
    """
    try:
        detail = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(detail, dict):
        return cause
    return str(
        detail.get("FailureReason") or detail.get("errorMessage") or detail.get("ExitMessage") or cause
    )
