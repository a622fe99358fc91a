"""An asynchronous endpoint, asked by way of the bucket."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.aws.artifacts import Artifacts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

INPUT = "async/input/"
_FIRST_POLL_S, _LONGEST_POLL_S = 0.1, 5.0
_LONGEST_REASON = 300


class NoAnswerError(Exception):
    """The endpoint has put no answer into the bucket; the text says why, or how long was waited."""


@dataclass(frozen=True)
class Submitted:
    """A request that waits in the endpoint's queue.

    Parameters
    ----------
    inference_id : str
        By which it is found among the captured predictions.
    output, failure : str
        Where the answer will lie, or the reason why there is none, as ``s3://`` URIs.
    """

    inference_id: str
    output: str
    failure: str


@dataclass(frozen=True)
class Request:
    """What is asked, and how the answer is wanted.

    Parameters
    ----------
    name : str
        Of the object below ``async/input/``; a name that is taken is overwritten.
    body : bytes
        At most 1 GB.
    content_type, accept : str
        Media types of request and answer.
    inference_id : str, optional
        Of the caller's; at most 64 characters. SageMaker makes one if there is none.
    """

    name: str
    body: bytes
    content_type: str
    accept: str
    inference_id: str | None = None


class AsynchronousEndpoint:
    """One endpoint of the account, and the bucket by way of which it is asked.

    Parameters
    ----------
    name, bucket : str
        Of the endpoint, and of the pipeline's artifacts bucket.
    sleep, clock : callable
        For tests; seconds.
    """

    def __init__(
        self,
        s3: S3Client,
        runtime: SageMakerRuntimeClient,
        *,
        name: str,
        bucket: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._s3, self._runtime = s3, runtime
        self._name, self._bucket = name, bucket
        self._sleep, self._clock = sleep, clock

    def submit(self, request: Request) -> Submitted:
        """Put a request into the bucket and its place into the endpoint's queue."""
        key = f"{INPUT}{request.name}"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=request.body, ContentType=request.content_type)
        own: dict[str, Any] = {"InferenceId": request.inference_id} if request.inference_id else {}
        answer = self._runtime.invoke_endpoint_async(
            EndpointName=self._name,
            InputLocation=f"s3://{self._bucket}/{key}",
            ContentType=request.content_type,
            Accept=request.accept,
            **own,
        )
        return Submitted(answer["InferenceId"], answer["OutputLocation"], answer.get("FailureLocation", ""))

    def answer(self, submitted: Submitted, timeout_s: float) -> bytes:
        """Wait for the answer and return it.

        Raises
        ------
        NoAnswerError
            If the endpoint says that there will be none, or says nothing for `timeout_s` seconds.
        """
        deadline, pause = self._clock() + timeout_s, _FIRST_POLL_S
        while True:
            if (body := self._find(submitted.output)) is not None:
                return body
            if submitted.failure and (reason := self._find(submitted.failure)) is not None:
                raise NoAnswerError(f"it failed: {reason.decode(errors='replace')[:_LONGEST_REASON]}")
            if self._clock() >= deadline:
                raise NoAnswerError(f"nothing lay at {submitted.output} after {timeout_s:g} s")
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_POLL_S)

    def _find(self, uri: str) -> bytes | None:
        """Return an object; None if it is not there."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return Artifacts(self._s3, bucket).read(key)
