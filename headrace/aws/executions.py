"""Starts executions of one state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Executions:
    """Executions of one state machine."""

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client, self._state_machine_arn = client, state_machine_arn

    def start(self, input: Mapping[str, Any]) -> str:
        """Start one and return its ARN."""
        answer = self._client.start_execution(
            stateMachineArn=self._state_machine_arn, input=json.dumps(input)
        )
        return answer["executionArn"]
