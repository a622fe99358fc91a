"""Repair: a schedule calls its target with the schedule's role, and what fails goes to its dead-letter queue.

References
----------
.. [1] EventBridge Scheduler user guide, "Setting up the execution role" and "Configuring a schedule's dead-letter queue".
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import eventbridge

from local_cloud.adapters.patching import replace
from local_cloud.adapters.role_sessions import RoleError, role_session
from local_cloud.sagemaker.surroundings import RoleSession
from local_cloud.settings import ACCOUNT, Settings

Target = Mapping[str, Any]
logger = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    """Take the place of the emulator's calls, which ask nobody for permission."""

    def with_role(original: Any) -> Any:
        def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
            if event.get("Source") != "aws.scheduler" or _service(target) not in _CALLS:
                original(target, event, rule, view)
                return
            arguments = (settings, target, str(rule.get("Arn", "")))
            threading.Thread(target=_deliver, args=arguments, daemon=True).start()

        return invoke_target

    replace(eventbridge, "_invoke_target", "target event rule view", with_role)


def _deliver(settings: Settings, target: Target, schedule_arn: str) -> None:
    """Call the target once: nothing here fails for a moment only."""
    try:
        session = role_session(settings, target.get("RoleArn", ""), "scheduler")
    except RoleError as error:
        logger.warning("%s cannot call %s: %s", schedule_arn, target["Arn"], error)
        return
    try:
        _CALLS[_service(target)](session, target)
    except ClientError as error:
        logger.warning("%s cannot call %s: %s", schedule_arn, target["Arn"], error)
        _keep(session, target, schedule_arn, error)


def _keep(session: RoleSession, target: Target, schedule_arn: str, error: ClientError) -> None:
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue:
        return
    attributes = {
        "ERROR_CODE": error.response["Error"]["Code"],
        "ERROR_MESSAGE": error.response["Error"]["Message"],
        "RETRY_ATTEMPTS": "0",
        "SCHEDULE_ARN": schedule_arn,
        "TARGET_ARN": target["Arn"],
    }
    try:
        session.client("sqs").send_message(
            QueueUrl=_queue_url(session, queue),
            MessageBody=target.get("Input", "{}"),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
            },
        )
    except ClientError as refusal:  # AWS drops it, too
        logger.warning("%s cannot keep what failed in %s: %s", schedule_arn, queue, refusal)


def _service(target: Target) -> str:
    """Return which service a target belongs to."""
    return (str(target.get("Arn", "")).split(":") + 3 * [""])[2]


def _invoke(session: RoleSession, target: Target) -> None:
    payload = target.get("Input", "{}")
    session.client("lambda").invoke(
        FunctionName=target["Arn"], InvocationType="Event", Payload=payload.encode()
    )


def _start(session: RoleSession, target: Target) -> None:
    session.client("stepfunctions").start_execution(
        stateMachineArn=target["Arn"], input=target.get("Input", "{}")
    )


def _send(session: RoleSession, target: Target) -> None:
    url = _queue_url(session, target["Arn"])
    session.client("sqs").send_message(QueueUrl=url, MessageBody=target.get("Input", "{}"))


def _queue_url(session: RoleSession, arn: str) -> str:
    return f"{session.endpoint}/{ACCOUNT}/{arn.rpartition(':')[2]}"


_CALLS: dict[str, Callable[[RoleSession, Target], None]] = {
    "lambda": _invoke,
    "states": _start,
    "sqs": _send,
}
"""Targets with calls of their own; all others are left to the emulator."""
