"""Take labels that somebody sends: by invoking this function, or by HTTPS through its URL."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.contract_store import ContractStore
from headrace.aws.logs import function_logger
from headrace.config.bundle import bundled_pipeline
from headrace.config.feedback import Feedback
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.take_feedback.taking import CallRefusedError, Ports, take_call

logger = function_logger()


@cache
def _deps() -> tuple[Pipeline, Feedback, Ports]:
    pipeline, s3 = bundled_pipeline(), boto3.client("s3")
    ports = Ports(ContractStore(s3, os.environ["ARTIFACTS_BUCKET"]), Artifacts(s3, os.environ["DATA_BUCKET"]))
    return pipeline, pipeline.feedback or Feedback(), ports


def answer(event: dict[str, Any], now: datetime) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status of a call, and what is to be said."""
    pipeline, feedback, ports = _deps()
    try:
        answer = take_call(_document(event), pipeline, feedback, ports, now)
    except CallRefusedError as refusal:
        return 400, {"error": str(refusal)}
    logger.info("labels sent", extra={name: answer[name] for name in ("accepted", "refused", "stored_as")})
    return 200, answer


def _document(event: dict[str, Any]) -> Any:
    """Return what was sent: the event, or the body of a request by HTTPS."""
    if "requestContext" not in event:
        return event
    if event["requestContext"]["http"]["method"] != "POST":
        raise CallRefusedError("send labels by POST")
    body = event.get("body") or ""
    try:
        return json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except ValueError:
        raise CallRefusedError("the body is not JSON") from None


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: answer a call by HTTPS with a response, and an invocation with the document itself."""
    status, document = answer(event, datetime.now(UTC))
    if "requestContext" not in event:
        return {"status": status, **document}
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(document, ensure_ascii=False),
    }
