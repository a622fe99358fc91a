"""InvokeEndpoint: one request to one variant, measured and, if the configuration says so, captured."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import Any

from local_cloud.sagemaker.answers import Answer, metric_data
from local_cloud.sagemaker.capture import DataCapture
from local_cloud.sagemaker.endpoints import Endpoints
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.fleets import Fleet
from local_cloud.sagemaker.inference_ids import check_inference_id
from local_cloud.sagemaker.serverless import Serverless
from local_cloud.sagemaker.shadows import Shadows
from local_cloud.sagemaker.surroundings import Surroundings

_LIMIT_REALTIME, _LIMIT_SERVERLESS = 6 * 2**20, 4 * 2**20
_PASSED_ON = (
    "content-type",
    "accept",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id",
)


class Invocations:
    """The runtime side of the endpoints."""

    def __init__(self, endpoints: Endpoints, surroundings: Surroundings) -> None:
        self._endpoints, self._around = endpoints, surroundings
        self.capture = DataCapture(surroundings)
        self._shadows = Shadows()

    def invoke(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Return the container's body and the headers of AWS's answer.

        Raises
        ------
        ApiError
            ``ValidationError`` for an unknown or asynchronous endpoint, too large a body or too long an id, ``ThrottlingException`` for a serverless
            endpoint beyond its concurrency, ``ModelError`` for whatever the container refuses.
        """
        check_inference_id(headers)
        with self._endpoints.serving(name) as fleet:
            if "AsyncInferenceConfig" in fleet.config:
                raise ApiError(
                    "ValidationError", f"Endpoint {name} can only receive asynchronous invocations."
                )
            return self._invoke(name, fleet, body, headers)

    def _invoke(
        self, name: str, fleet: Fleet, body: bytes, headers: dict[str, str]
    ) -> tuple[bytes, dict[str, str]]:
        variant = fleet.choose(headers.get("x-amzn-sagemaker-target-variant"))
        _refuse_if_too_large(body, serverless=isinstance(fleet.variants[variant], Serverless))
        answer = self._ask(variant, name, fleet, body, headers)
        self._shadows.copy(fleet, partial(self._ask, endpoint=name, fleet=fleet, body=body, headers=headers))
        if not answer.ok:
            raise _model_error(name, answer, self._around)
        returned = {
            header: answer.headers[header.lower()]
            for header in ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes")
            if header.lower() in answer.headers
        }
        return answer.body, {**returned, "x-Amzn-Invoked-Production-Variant": variant}

    def _ask(self, variant: str, endpoint: str, fleet: Fleet, body: bytes, headers: dict[str, str]) -> Answer:
        """Have one variant answer; measure it, and capture what is no refusal."""
        entered = time.monotonic()
        passed = {header: headers[header] for header in _PASSED_ON if headers.get(header)}
        answer = fleet.variants[variant].ask(body, passed)
        self._measure(endpoint, variant, answer, time.monotonic() - entered - answer.seconds)
        if answer.ok:
            self.capture.offer(endpoint, variant, fleet, body, headers, answer)
        return answer

    def _measure(self, endpoint: str, variant: str, answer: Answer, overhead_s: float) -> None:
        measured = {
            "Invocations": (1.0, "None"),
            "OverheadLatency": (1e6 * max(0.0, overhead_s), "Microseconds"),
            **answer.counted,
            **answer.measured,
        }
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        self._around.put_metrics("AWS/SageMaker", metric_data(measured, dimensions, time.time()))


def _refuse_if_too_large(body: bytes, *, serverless: bool) -> None:
    if serverless and len(body) > _LIMIT_SERVERLESS:
        raise ApiError("ValidationError", f"Request {uuid.uuid4()} has oversize body.")
    if len(body) > _LIMIT_REALTIME:
        raise ApiError("413", f"HTTP content length exceeded {_LIMIT_REALTIME} bytes.", 413)


def _model_error(name: str, answer: Answer, around: Surroundings) -> ApiError:
    text = answer.body.decode(errors="replace")
    region, account, group = around.region, around.account, f"/aws/sagemaker/Endpoints/{name}"
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    message = (
        f'Received {answer.error} error ({answer.status}) from primary with message "{text}". See '
        f"{console}#logEventViewer:group={group} in account {account} for more information."
    )
    extra: dict[str, Any] = {
        "OriginalStatusCode": answer.status,
        "OriginalMessage": text,
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
        "Message": message,
    }
    return ApiError("ModelError", message, 424, extra)
