"""Ask a new endpoint about one real row, and compare the answer with the one that the training noted."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3
from botocore.config import Config

from headrace.aws.asynchronous_endpoint import AsynchronousEndpoint, Request
from headrace.aws.logs import function_logger
from headrace.aws.model_archive import ModelSamples
from headrace.aws.transform_folder import TransformFolder
from headrace.config.bundle import bundled_pipeline
from headrace.ml.batch.members import ANSWER
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()

_INFERENCE_ID = "headrace-smoke-test"
_TOLERANCE = 1e-6
_PATIENCE_S = 240
"""How long an asynchronous endpoint may take: no request of others waits in the queue of a new one for long."""


class SmokeTestError(Exception):
    """The endpoint does not answer as its model should; the text says what came instead."""


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered: the variant that spoke, None if that is not told, and the predictions."""

    variant: str | None
    predictions: list[Any]


class Samples(Protocol):
    """What this function needs from storage."""

    def sample(self, model_data_url: str) -> dict[str, Any]:
        """Return ``sample.json`` of a model archive: a real row, and its prediction."""
        ...


class Runtime(Protocol):
    """What this function needs from the endpoint."""

    def ask(self, plan: Mapping[str, Any], row: Mapping[str, Any], *, targeted: bool) -> Answer:
        """Invoke the endpoint of a deployment, or if `targeted` the deployment's own variant of it."""
        ...


class SageMakerRuntime:
    """Endpoints of the account that answer at once."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def ask(self, plan: Mapping[str, Any], row: Mapping[str, Any], *, targeted: bool) -> Answer:
        """Invoke the endpoint with JSON, under an id by which its capture is recognised."""
        answer = self._client.invoke_endpoint(
            EndpointName=plan["endpoint"],
            ContentType="application/json",
            Accept="application/json",
            InferenceId=_INFERENCE_ID,
            Body=_body(row),
            **({"TargetVariant": plan["variant"]} if targeted else {}),
        )
        return Answer(answer["InvokedProductionVariant"], json.loads(answer["Body"].read())["predictions"])


class AsynchronousRuntime:
    """Endpoints of the account that put their answers into the bucket."""

    def __init__(self, s3: Any, runtime: Any, bucket: str) -> None:
        self._s3, self._runtime, self._bucket = s3, runtime, bucket

    def ask(self, plan: Mapping[str, Any], row: Mapping[str, Any], *, targeted: bool) -> Answer:
        """Invoke the endpoint by way of the bucket; which variant answers is not told there."""
        endpoint = AsynchronousEndpoint(self._s3, self._runtime, name=plan["endpoint"], bucket=self._bucket)
        request = Request(
            name=f"smoke-test/{plan['name']}.json",
            body=_body(row),
            content_type="application/json",
            accept="application/json",
            inference_id=_INFERENCE_ID,
        )
        answer = endpoint.answer(endpoint.submit(request), _PATIENCE_S)
        return Answer(None, json.loads(answer)["predictions"])


class TransformedSample:
    """A model without an endpoint, which a transform job has asked about the row already."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def ask(self, plan: Mapping[str, Any], row: Mapping[str, Any], *, targeted: bool) -> Answer:
        """Return what the job was answered; a job runs one model, which needs no variant's name."""
        folder = TransformFolder(self._s3, self._bucket, f"transform/{plan['name']}/")
        return Answer(None, [record[ANSWER] for record in folder.answers()])


def _body(row: Mapping[str, Any]) -> bytes:
    return json.dumps({"instances": [row]}).encode()


@cache
def _deps() -> tuple[ModelSamples, Runtime]:
    # A serverless endpoint starts its first container now, and that may take a minute.
    patient = Config(read_timeout=70, retries={"total_max_attempts": 4, "mode": "standard"})
    s3, runtime = boto3.client("s3"), boto3.client("sagemaker-runtime", config=patient)
    kind = bundled_pipeline().endpoint.kind
    if kind == "asynchronous":
        return ModelSamples(s3), AsynchronousRuntime(s3, runtime, os.environ["ARTIFACTS_BUCKET"])
    if kind == "batch":
        return ModelSamples(s3), TransformedSample(s3, os.environ["ARTIFACTS_BUCKET"])
    return ModelSamples(s3), SageMakerRuntime(runtime)


def smoke_test(event: Mapping[str, Any], samples: Samples, runtime: Runtime) -> dict[str, Any]:
    """Compare the endpoint's answer with the noted prediction.

    ``event["challenger"]`` says that the new model gets no other requests yet: then its variant is asked for.

    Raises
    ------
    SmokeTestError
        If another variant answers, or the answer is another.
    """
    plan = event["plan"]
    sample = samples.sample(plan["model_data_url"])
    # As JSON, in which numbers are numbers: cleaning steps would read text as people write it.
    answer = runtime.ask(plan, sample["row"], targeted=bool(event.get("challenger")))
    if answer.variant not in (None, plan["variant"]):
        raise SmokeTestError(f"variant {answer.variant} answered instead of {plan['variant']}")
    if not _same(answer.predictions, [sample["prediction"]]):
        raise SmokeTestError("the endpoint does not answer a row of the training as the training did")
    logger.info("answers as trained", extra={"variant": plan["variant"]})
    return {"variant": plan["variant"]}


def _same(said: Any, expected: Any) -> bool:
    """Compare JSON, numbers with a tolerance."""
    if isinstance(expected, dict):
        return (
            isinstance(said, dict)
            and said.keys() == expected.keys()
            and all(_same(said[name], value) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(said, list) and len(said) == len(expected) and all(map(_same, said, expected))
    if isinstance(expected, float) and isinstance(said, int | float):
        return math.isclose(said, expected, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(said == expected)


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return smoke_test(event, *_deps())
