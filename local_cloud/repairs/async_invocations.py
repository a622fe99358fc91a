"""Calls that nobody waits for: tried again, and reported as AWS does to destinations and dead-letter queues.

References
----------
.. [1] AWS Lambda developer guide, "Capturing records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from ministack.core.lambda_runtime import execution_credentials
from ministack.core.responses import request_scope
from ministack.services import lambda_svc

from local_cloud.adapters.patching import replace
from local_cloud.sagemaker.surroundings import RoleSession
from local_cloud.settings import ACCOUNT, REGION, Settings

_RETRIES = 2
_FIRST_WAIT_S = 1.0  # AWS waits a minute, then two
logger = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    """Take the place of the emulator's retries."""

    def in_background(func: dict[str, Any], event: Any) -> None:
        threading.Thread(target=_run, args=(func, event, settings), daemon=True).start()

    replace(lambda_svc, "invoke_async_with_retry", "func event", lambda _: in_background)


def _run(func: dict[str, Any], event: Any, settings: Settings) -> None:
    config = func.get("config") or func
    with request_scope(ACCOUNT, REGION):
        options = func.get("event_invoke_config") or (func.get("event_invoke_configs") or {}).get("$LATEST")
        result, attempts = _attempt(func, event, (options or {}).get("MaximumRetryAttempts", _RETRIES))
    session = RoleSession(execution_credentials(config), settings.endpoint, REGION)
    try:
        _report(session, config, options or {}, event, result, attempts)
    except Exception as error:  # the role may not send, or the target is gone: AWS drops the record, too
        logger.warning("the outcome of %s cannot be reported: %s", config["FunctionName"], error)


def _attempt(func: dict[str, Any], event: Any, retries: int) -> tuple[dict[str, Any], int]:
    """Call until it succeeds; return the last result and the number of calls."""
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))
        result: dict[str, Any] = lambda_svc._execute_function(func, event)
        if not result.get("error"):
            break
    return result, attempt + 1


def _report(
    session: RoleSession,
    config: dict[str, Any],
    options: dict[str, Any],
    event: Any,
    result: dict[str, Any],
    attempts: int,
) -> None:
    destinations = options.get("DestinationConfig") or {}
    outcome = "OnFailure" if result.get("error") else "OnSuccess"
    if target := (destinations.get(outcome) or {}).get("Destination"):
        deliver(session, target, _record(config, event, result, attempts), {})
    dead_letters = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if dead_letters and result.get("error"):
        attributes = {
            "RequestID": ("String", str(uuid.uuid4())),
            "ErrorCode": ("Number", "200"),
            "ErrorMessage": ("String", str((result.get("body") or {}).get("errorMessage", ""))[:1024]),
        }
        deliver(session, dead_letters, event, attributes)


def _record(config: dict[str, Any], event: Any, result: dict[str, Any], attempts: int) -> dict[str, Any]:
    failed = bool(result.get("error"))
    version = config.get("Version", "$LATEST")
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": f"{lambda_svc._func_arn(config['FunctionName'])}:{version}",
            "condition": "RetriesExhausted" if failed else "Success",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": version,
            **({"functionError": "Unhandled"} if failed else {}),
        },
        "responsePayload": result.get("body"),
    }


def deliver(session: RoleSession, target: str, content: Any, attributes: dict[str, tuple[str, str]]) -> None:
    """Send to a queue, a topic, a function or a bus, with the permissions of the function's role."""
    service, name, body = target.split(":")[2], target.rpartition(":")[2], json.dumps(content)
    values = {key: {"DataType": kind, "StringValue": value} for key, (kind, value) in attributes.items()}
    if service == "sqs":
        queue = f"{session.endpoint}/{ACCOUNT}/{name}"
        session.client("sqs").send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=values)
    elif service == "sns":
        session.client("sns").publish(TopicArn=target, Message=body, MessageAttributes=values)
    elif service == "lambda":
        session.client("lambda").invoke(FunctionName=target, InvocationType="Event", Payload=body)
    else:
        condition = content["requestContext"]["condition"]
        kind = f"Lambda Function Invocation Result - {'Success' if condition == 'Success' else 'Failure'}"
        entry = {"Source": "lambda", "DetailType": kind, "Detail": body, "EventBusName": target}
        session.client("events").put_events(Entries=[entry])
