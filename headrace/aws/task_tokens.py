"""Executions that wait for a token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_WAITS_NO_MORE = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


class TaskTokens:
    """Wakes executions."""

    def __init__(self, client: SFNClient) -> None:
        self._client = client

    def wake(self, token: str, answer: Mapping[str, Any]) -> bool:
        """Hand `answer` to the task that waits for `token`; False if it waits no more, or never did."""
        if not token:
            return False
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(answer))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _WAITS_NO_MORE:
                raise
            return False
        return True
