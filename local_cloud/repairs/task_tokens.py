"""Repair: who answers a task that waits for a token needs a permission on the state machine whose task it is.

References
----------
.. [1] AWS CDK, pull request 8486: the service authorization reference names no resource for ``states:SendTaskSuccess``, and AWS
   asks for it on the state machine all the same, or on the activity.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import stepfunctions

from local_cloud.adapters.patching import replace
from local_cloud.repairs.state_frame import current
from local_cloud.settings import Settings

_REQUEST = "service method path headers body query_params region account_id"
# The state machine of each token that a task waits for.
_machines: dict[str, str] = {}


def install(settings: Settings) -> None:
    """Note whose the tokens are, and name that where the emulator names nothing."""
    replace(
        stepfunctions, "_invoke_with_callback", "resource input_data token state_def", _noting_the_machine
    )
    replace(iam_actions, "extract_resource_arn", _REQUEST, _with_machine)


def _noting_the_machine(original: Any) -> Any:
    def invoke_with_callback(resource: str, input_data: Any, token: str, state_def: dict[str, Any]) -> Any:
        frame = current()
        if frame is not None:
            _machines[token] = str(frame.ctx["StateMachine"]["Id"])
        try:
            return original(resource, input_data, token, state_def)
        finally:
            _machines.pop(token, None)

    return invoke_with_callback


def _with_machine(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        found: str = original(service, *request)
        if service != "states" or found != "*":
            return found
        _, _, _, body, *_ = request
        return machine_of(body, _machines) or found

    return resource_arn


def machine_of(body: bytes, machines: Mapping[str, str]) -> str | None:
    """Return the ARN of the state machine whose token a request's body names.

    >>> machine_of(b'{"taskToken": "t"}', {"t": "arn:aws:states:us-east-1:123456789012:stateMachine:m"})
    'arn:aws:states:us-east-1:123456789012:stateMachine:m'
    """
    try:
        token = json.loads(body or b"{}").get("taskToken")
    except (ValueError, AttributeError):
        return None
    return machines.get(str(token))
