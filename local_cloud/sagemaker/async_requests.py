"""Requests to asynchronous endpoints: what is taken, and what is told when they are done.

References
----------
.. [1] SageMaker runtime API reference, "InvokeEndpointAsync".
.. [2] SageMaker developer guide, "Check prediction results" (of asynchronous inference).
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.inference_ids import check_inference_id
from local_cloud.sagemaker.records import Record

MOST_BYTES = 2**30
_MOST_INLINE = 128_000
_HEADER = "x-amzn-sagemaker-"
_PASSED_ON = {
    f"{_HEADER}content-type": "content-type",
    f"{_HEADER}accept": "accept",
    f"{_HEADER}custom-attributes": f"{_HEADER}custom-attributes",
    f"{_HEADER}inference-id": f"{_HEADER}inference-id",
}
_S3_URI = re.compile(r"(https|s3)://([^/]+)/?(.*)")


@dataclass(frozen=True)
class AsyncRequest:
    """A request that waits, or is being answered.

    Parameters
    ----------
    endpoint : str
        Whose queue it is in.
    headers : dict of str to str
        What the container is sent.
    input : str
        Where the body lies; empty if it came with the request.
    body : bytes
        What came with the request.
    inference_id : str
        The caller's, or one that was made.
    received : float
        Seconds since 1970.
    ttl_s, timeout_s : int
        How long it may wait, and how long the container may take.
    output, failure : str
        Where the answer goes, or why there is none; the latter is empty if nobody wants to know.
    """

    endpoint: str
    headers: dict[str, str]
    input: str
    body: bytes
    inference_id: str
    received: float
    ttl_s: int
    timeout_s: int
    output: str
    failure: str

    @property
    def answer(self) -> dict[str, str]:
        """The headers of AWS's answer."""
        located = {f"{_HEADER.title()}FailureLocation": self.failure} if self.failure else {}
        return {f"{_HEADER.title()}OutputLocation": self.output, **located}

    def dump(self) -> Record:
        """Return it as plain values."""
        return {**asdict(self), "body": base64.b64encode(self.body).decode()}

    @classmethod
    def load(cls, stored: Record) -> AsyncRequest:
        """Return what `dump` made plain values of."""
        return cls(**{**stored, "body": base64.b64decode(stored["body"])})


def async_request(
    endpoint: str, config: Record, headers: Mapping[str, str], body: bytes, now: float
) -> AsyncRequest:
    """Return the request that these headers make.

    Parameters
    ----------
    config : Record
        ``AsyncInferenceConfig`` of the endpoint's configuration.

    Raises
    ------
    ApiError
        ``ValidationError``, in AWS's words where they are known.
    """
    place = headers.get(f"{_HEADER}inputlocation", "")
    _check_source(place, body)
    check_inference_id(headers)
    inference_id = headers.get(f"{_HEADER}inference-id") or str(uuid.uuid4())
    wanted = {name: headers[header] for header, name in _PASSED_ON.items() if headers.get(header)}
    output, failure = _places(config["OutputConfig"], headers)
    return AsyncRequest(
        endpoint=endpoint,
        headers={**wanted, f"{_HEADER}inference-id": inference_id},
        input=place,
        body=body,
        inference_id=inference_id,
        received=now,
        ttl_s=_seconds(headers, "RequestTTLSeconds", 21_600, range(60, 21_601)),
        timeout_s=_seconds(headers, "InvocationTimeoutSeconds", 900, range(1, 3_601)),
        output=output,
        failure=failure,
    )


def _check_source(place: str, body: bytes) -> None:
    if bool(place) == bool(body):
        raise _invalid("Exactly one of Body and InputLocation must be provided.")
    if len(body) > _MOST_INLINE:
        raise _invalid(f"Body must be at most {_MOST_INLINE} bytes.")
    if place and not _S3_URI.fullmatch(place):
        raise _invalid(
            f"1 validation error detected: Value '{place}' at 'inputLocation' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: ^{_S3_URI.pattern}$"
        )


def _seconds(headers: Mapping[str, str], name: str, default: int, allowed: range) -> int:
    given = headers.get(f"{_HEADER}{name.lower()}")
    if not given:
        return default
    if not given.isdigit() or int(given) not in allowed:
        raise _invalid(
            f"1 validation error detected: Value '{given}' at '{name[:1].lower()}{name[1:]}' failed to satisfy "
            f"constraint: Member must be between {allowed[0]} and {allowed[-1]}"
        )
    return int(given)


def _places(output: Record, headers: Mapping[str, str]) -> tuple[str, str]:
    """Return where answer and failure go, below the paths that the configuration names."""
    name, extension = str(uuid.uuid4()), headers.get(f"{_HEADER}s3outputpathextension", "").strip("/")
    below = f"{extension}/" if extension else ""
    file = headers.get(f"{_HEADER}filename") or f"{name}.out"
    failures = output.get("S3FailurePath")
    return (
        f"{output['S3OutputPath'].rstrip('/')}/{below}{file}",
        f"{failures.rstrip('/')}/{below}{name}-error.out" if failures else "",
    )


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)


@dataclass(frozen=True)
class Outcome:
    """How a request ended.

    Parameters
    ----------
    status : str
        ``Completed``, ``Failed`` or ``Expired``.
    content_type : str
        Of the answer.
    reason : str
        Why there is no answer.
    """

    status: str
    content_type: str = ""
    reason: str = ""

    @property
    def completed(self) -> bool:
        """Whether there is an answer."""
        return self.status == "Completed"


def notification(request: AsyncRequest, outcome: Outcome, region: str, now: float) -> dict[str, Any]:
    """Return what a topic is told of a request that has ended [2]_.

    Examples
    --------
    >>> request = AsyncRequest("e", {}, "s3://b/in.csv", b"", "1", 0.0, 60, 1, "s3://b/1.out", "s3://b/1-error.out")
    >>> told = notification(request, Outcome("Completed", "text/csv"), "us-east-1", 1.5)
    >>> told["eventTime"], told["responseParameters"]["outputLocation"]
    ('1970-01-01T00:00:01.500Z', 's3://b/1.out')
    """
    asked = {
        "accept": request.headers.get("accept"),
        "contentType": request.headers.get("content-type"),
        "endpointName": request.endpoint,
        "inputLocation": request.input or None,
    }
    answered = (
        {"contentType": outcome.content_type, "outputLocation": request.output}
        if outcome.completed
        else {"failureLocation": request.failure}
    )
    return {
        "awsRegion": region,
        "eventTime": _moment(now),
        "receivedTime": _moment(request.received),
        "invocationStatus": outcome.status,
        **({"failureReason": outcome.reason} if outcome.reason else {}),
        "requestParameters": {name: value for name, value in asked.items() if value},
        "responseParameters": {name: value for name, value in answered.items() if value},
        "inferenceId": request.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
