"""InvokeEndpoint: one request to one variant, measured and, if the configuration says so, captured."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.sagemaker.capture import DataCapture
from local_cloud.sagemaker.endpoints import Endpoints, Fleet
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.records import Records
from local_cloud.sagemaker.servers import Reply
from local_cloud.sagemaker.surroundings import Surroundings

_LIMIT_REALTIME, _LIMIT_SERVERLESS = 6 * 2**20, 4 * 2**20
_PASSED_ON = (
    "content-type",
    "accept",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id",
)
_TIMED_OUT = (
    b"Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
    b"for each container in Amazon CloudWatch, resolve the issue, and try again."
)
_OK, _CLIENT_ERROR, _SERVER_ERROR = range(200, 300), range(400, 500), range(500, 600)


class Invocations:
    """The runtime side of the endpoints."""

    def __init__(self, endpoints: Endpoints, records: Records, surroundings: Surroundings) -> None:
        self._endpoints, self._records, self._around = endpoints, records, surroundings
        self._capture = DataCapture(surroundings)

    def invoke(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Return the container's body and the headers of AWS's answer.

        Raises
        ------
        ApiError
            ``ValidationError`` for an unknown endpoint or too large a body, ``ThrottlingException`` for a serverless
            endpoint beyond its concurrency, ``ModelError`` for whatever the container refuses.
        """
        with self._endpoints.serving(name) as fleet:
            if fleet is None:
                account = self._around.account
                raise ApiError("ValidationError", f"Endpoint {name} of account {account} not found.")
            return self._invoke(name, fleet, body, headers)

    def _invoke(
        self, name: str, fleet: Fleet, body: bytes, headers: dict[str, str]
    ) -> tuple[bytes, dict[str, str]]:
        entered = time.monotonic()
        variant = self._choose(name, fleet, headers.get("x-amzn-sagemaker-target-variant"))
        _refuse_if_too_large(body, variant in fleet.slots)
        reply, taken = self._ask(fleet, variant, body, headers)
        answered = time.monotonic()
        self._measure(name, variant, reply, answered - entered, taken)
        if reply.status not in _OK:
            raise _model_error(name, reply, self._around)
        self._capture.offer(name, variant, fleet, body, headers, reply)
        passed = {
            header: reply.headers[header.lower()]
            for header in ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes")
            if header.lower() in reply.headers
        }
        return reply.body, {**passed, "x-Amzn-Invoked-Production-Variant": variant}

    def _choose(self, name: str, fleet: Fleet, wanted: str | None) -> str:
        if wanted:
            if wanted not in fleet.servers:
                raise ApiError("ValidationError", f"Variant {wanted} does not exist in endpoint {name}.")
            return wanted
        if len(fleet.servers) == 1:
            return next(iter(fleet.servers))
        weights = {
            variant["VariantName"]: variant["CurrentWeight"]
            for variant in self._records.get("Endpoint", name)["ProductionVariants"]
        }
        return str(random.choices(list(weights), list(weights.values()))[0])

    def _ask(
        self, fleet: Fleet, variant: str, body: bytes, headers: dict[str, str]
    ) -> tuple[Timed, float | None]:
        """Return the container's answer, and the share of a serverless variant's slots that it was among."""
        slots = fleet.slots.get(variant)
        taken = slots.take() if slots else None
        if slots and taken is None:
            raise ApiError("ThrottlingException", "Rate exceeded", 429)
        try:
            passed = {name: headers[name] for name in _PASSED_ON if headers.get(name)}
            return _timed(lambda: fleet.servers[variant].invoke(body, passed)), taken
        finally:
            if slots:
                slots.give_back()

    def _measure(
        self, endpoint: str, variant: str, reply: Timed, total_s: float, taken: float | None
    ) -> None:
        dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
        values = {
            "Invocations": (1.0, "None"),
            "ModelLatency": (1e6 * reply.seconds, "Microseconds"),
            "OverheadLatency": (1e6 * max(0.0, total_s - reply.seconds), "Microseconds"),
            "Invocation4XXErrors": (float(reply.status in _CLIENT_ERROR), "None"),
            "Invocation5XXErrors": (float(reply.status in _SERVER_ERROR), "None"),
        }
        if taken is not None:
            values["ServerlessConcurrentExecutionsUtilization"] = (taken, "None")
        data = [
            {
                "MetricName": name,
                "Value": value,
                "Unit": unit,
                "Timestamp": time.time(),
                "Dimensions": dimensions,
            }
            for name, (value, unit) in values.items()
        ]
        self._around.put_metrics("AWS/SageMaker", data)


@dataclass(frozen=True)
class Timed(Reply):
    """An answer, and how long the container took for it, in seconds."""

    seconds: float = 0.0


def _timed(ask: Callable[[], Reply]) -> Timed:
    """Ask a container; that it does not answer is an answer, too."""
    started = time.monotonic()
    try:
        reply = ask()
    except TimeoutError:
        reply = Reply(0, _TIMED_OUT, {})
    except OSError as error:
        reply = Reply(500, json.dumps({"message": f"the container does not answer: {error}"}).encode(), {})
    return Timed(reply.status, reply.body, reply.headers, time.monotonic() - started)


def _refuse_if_too_large(body: bytes, serverless: bool) -> None:
    if serverless and len(body) > _LIMIT_SERVERLESS:
        raise ApiError("ValidationError", f"Request {uuid.uuid4()} has oversize body.")
    if len(body) > _LIMIT_REALTIME:
        raise ApiError("413", f"HTTP content length exceeded {_LIMIT_REALTIME} bytes.", 413)


def _model_error(name: str, reply: Reply, around: Surroundings) -> ApiError:
    text = reply.body.decode(errors="replace")
    kind = "client" if reply.status in _CLIENT_ERROR else "server"
    region, account, group = around.region, around.account, f"/aws/sagemaker/Endpoints/{name}"
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    message = (
        f'Received {kind} error ({reply.status}) from primary with message "{text}". See '
        f"{console}#logEventViewer:group={group} in account {account} for more information."
    )
    extra: dict[str, Any] = {
        "OriginalStatusCode": reply.status,
        "OriginalMessage": text,
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
        "Message": message,
    }
    return ApiError("ModelError", message, 424, extra)
