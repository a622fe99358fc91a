"""Answers one request of an asynchronous endpoint: from S3, through a container, to S3, and tells a topic.

References
----------
.. [1] SageMaker developer guide, "Alarms and logs for tracking metrics from asynchronous endpoints".
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.sagemaker.answers import Answer, Metric, metric_data
from local_cloud.sagemaker.async_requests import MOST_BYTES, AsyncRequest, Outcome, notification
from local_cloud.sagemaker.errors import ApiError, JobError
from local_cloud.sagemaker.fleets import Fleet
from local_cloud.sagemaker.surroundings import RoleSession, Surroundings
from local_cloud.sagemaker.transfer import encryption, split_uri

logger = logging.getLogger(__name__)


@dataclass
class Attempt:
    """One request on its way.

    Parameters
    ----------
    request : AsyncRequest
        What was asked.
    variant : str
        Who answers.
    session : RoleSession
        AWS as the model's role sees it, under which all is read and written.
    output : Record
        ``OutputConfig`` of the endpoint's configuration.
    measured : dict of str to (float, str)
        Metrics with their units, as they come up.
    """

    request: AsyncRequest
    variant: str
    session: RoleSession
    output: Mapping[str, Any]
    measured: dict[str, Metric] = field(default_factory=dict)

    def put(self, uri: str, body: bytes, content_type: str) -> None:
        """Store an object, encrypted as the configuration says."""
        bucket, key = split_uri(uri)
        encrypted = encryption(self.output.get("KmsKeyId"))
        self.session.client("s3").put_object(
            Bucket=bucket, Key=key, Body=body, ContentType=content_type, **encrypted
        )


class AsyncAnswers:
    """Answers requests, and counts what came of them.

    Parameters
    ----------
    clock : callable
        Returns seconds since 1970.
    """

    def __init__(self, surroundings: Surroundings, clock: Callable[[], float]) -> None:
        self._around, self._clock = surroundings, clock

    def answer(self, request: AsyncRequest, fleet: Fleet) -> None:
        """Have the fleet answer, put the answer where it belongs, and tell of it."""
        attempt, started = self._attempt(request, fleet), self._clock()
        outcome = self._outcome(attempt, fleet)
        self._conclude(attempt, outcome)
        attempt.measured |= {
            "InvocationsProcessed": (1.0, "Count"),
            "InvocationFailures": (float(not outcome.completed), "Count"),
            "TimeInBacklog": (1e3 * (started - request.received), "Milliseconds"),
            "TotalProcessingTime": (1e3 * (self._clock() - request.received), "Milliseconds"),
        }
        self._measure(attempt)

    def expire(self, request: AsyncRequest, fleet: Fleet) -> None:
        """Tell that a request has waited for too long."""
        attempt = self._attempt(request, fleet)
        reason = f"ClientError: the request has waited for more than {request.ttl_s} seconds"
        self._conclude(attempt, Outcome("Expired", reason=reason))
        attempt.measured["ExpiredRequests"] = (1.0, "Count")
        self._measure(attempt)

    def _attempt(self, request: AsyncRequest, fleet: Fleet) -> Attempt:
        output = fleet.config["AsyncInferenceConfig"]["OutputConfig"]
        return Attempt(request, fleet.choose(), self._around.role_session(fleet.role), output)

    def _outcome(self, attempt: Attempt, fleet: Fleet) -> Outcome:
        try:
            body = attempt.request.body or self._download(attempt)
            answer = fleet.variants[attempt.variant].ask(
                body, attempt.request.headers, attempt.request.timeout_s
            )
        except (ApiError, JobError, ClientError, BotoCoreError) as error:
            return Outcome("Failed", reason=f"ClientError: {error}")
        attempt.measured |= answer.counted
        if not answer.ok:
            return Outcome("Failed", reason=_refusal(answer))
        content_type = answer.headers.get("content-type", "")
        try:
            with _timing(attempt, "ResponseUploadLatency"):
                attempt.put(attempt.request.output, answer.body, content_type)
        except (ClientError, BotoCoreError) as error:
            attempt.measured["ResponseUploadFailures"] = (1.0, "Count")
            return Outcome("Failed", reason=f"ClientError: the answer could not be stored: {error}")
        return Outcome("Completed", content_type)

    def _download(self, attempt: Attempt) -> bytes:
        bucket, key = split_uri(attempt.request.input)
        try:
            with _timing(attempt, "RequestDownloadLatency"):
                found = attempt.session.client("s3").get_object(Bucket=bucket, Key=key)
                if found["ContentLength"] > MOST_BYTES:
                    raise JobError(f"{attempt.request.input} is larger than 1 GB")
                body: bytes = found["Body"].read()
        except (ClientError, BotoCoreError, JobError):
            attempt.measured["RequestDownloadFailures"] = (1.0, "Count")
            raise
        return body

    def _conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        """Say that there is no answer where failures lie, and tell the topic either way."""
        request = attempt.request
        try:
            if request.failure and not outcome.completed:
                attempt.put(request.failure, outcome.reason.encode(), "text/plain")
            topics = attempt.output.get("NotificationConfig", {})
            topic = topics.get("SuccessTopic" if outcome.completed else "ErrorTopic")
            if topic:
                told = notification(request, outcome, self._around.region, self._clock())
                attempt.session.client("sns").publish(TopicArn=topic, Message=json.dumps(told))
        except (ClientError, BotoCoreError) as error:
            logger.warning("%s could not be told: %s", request.inference_id, error)
            attempt.measured["NotificationFailures"] = (1.0, "Count")

    def _measure(self, attempt: Attempt) -> None:
        dimensions = {"EndpointName": attempt.request.endpoint, "VariantName": attempt.variant}
        self._around.put_metrics("AWS/SageMaker", metric_data(attempt.measured, dimensions, self._clock()))


def _refusal(answer: Answer) -> str:
    text = answer.body.decode(errors="replace")
    return (
        f'ClientError: Received {answer.error} error ({answer.status}) from model with message "{text}". '
        + ("See the SageMaker Endpoint logs in your account for more information.")
    )


@contextmanager
def _timing(attempt: Attempt, metric: str) -> Iterator[None]:
    """Measure how long what is done within it takes, unless it fails."""
    started = time.perf_counter()
    yield
    attempt.measured[metric] = (1e6 * (time.perf_counter() - started), "Microseconds")
