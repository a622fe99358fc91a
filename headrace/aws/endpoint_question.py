"""One question to a pipeline's endpoint, be it one that answers at once or one that answers by way of the bucket."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headrace.aws.asynchronous_endpoint import AsynchronousEndpoint, NoAnswerError, Request

if TYPE_CHECKING:
    import boto3

_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".ndjson": "application/jsonlines",
    ".parquet": "application/x-parquet",
    ".txt": "text/plain",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


class QuestionError(Exception):
    """The endpoint gives no answer; the text says why, and what to do."""


class NoEndpointError(QuestionError):
    """There is no endpoint of this name."""


@dataclass(frozen=True)
class Answered:
    """An answer.

    Parameters
    ----------
    body : bytes
        In the media type that was asked for.
    seconds : float
        From the question to the answer.
    variant : str or None
        Who answered; an asynchronous endpoint does not say.
    place : str or None
        Where the answer lies in the bucket, if it does.
    """

    body: bytes
    seconds: float
    variant: str | None = None
    place: str | None = None


def media_type(name: str) -> str | None:
    """Return the media type of a file by the end of its name; None if it tells nothing.

    Examples
    --------
    >>> media_type("rows.CSV"), media_type("rows")
    ('text/csv', None)
    """
    return next((kind for end, kind in _MEDIA_TYPES.items() if name.lower().endswith(end)), None)


def ask_endpoint(
    session: boto3.Session, endpoint: str, bucket: str, request: Request, timeout_s: float
) -> Answered:
    """Ask the endpoint of this name, as it wants to be asked.

    Parameters
    ----------
    bucket : str
        The pipeline's artifacts bucket, by way of which an asynchronous endpoint is asked.
    timeout_s : float
        How long its answer is waited for.

    Raises
    ------
    NoEndpointError
        If there is no such endpoint.
    QuestionError
        If it refuses, fails or does not answer.
    """
    description = _describe(session, endpoint)
    started = time.monotonic()
    runtime = session.client("sagemaker-runtime")
    if "AsyncInferenceConfig" not in description:
        answer = _ask_directly(runtime, endpoint, request)
        return Answered(answer["Body"].read(), time.monotonic() - started, answer["InvokedProductionVariant"])
    queue = AsynchronousEndpoint(session.client("s3"), runtime, name=endpoint, bucket=bucket)
    submitted = queue.submit(request)
    try:
        body = queue.answer(submitted, timeout_s)
    except NoAnswerError as error:
        raise QuestionError(str(error)) from None
    return Answered(body, time.monotonic() - started, place=submitted.output)


def _describe(session: boto3.Session, endpoint: str) -> Any:
    try:
        return session.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "ould not find" in str(error):
            raise NoEndpointError(f"there is no endpoint {endpoint}") from None
        raise


def _ask_directly(runtime: Any, endpoint: str, request: Request) -> Any:
    own = {"InferenceId": request.inference_id} if request.inference_id else {}
    try:
        return runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType=request.content_type,
            Accept=request.accept,
            Body=request.body,
            **own,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ModelError":
            raise
        reason = error.response.get("OriginalMessage") or str(error)
        raise QuestionError(f"the model refuses: {reason}") from None
