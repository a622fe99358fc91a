"""Ask a new endpoint about one real row, and compare the answer with the one that the training noted."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from headrace.aws.model_archive import open_archive, read_members

logger = Logger()

_INFERENCE_ID = "headrace-smoke-test"
_TOLERANCE = 1e-6


class SmokeTestError(Exception):
    """The endpoint does not answer as its model should; the text says what came instead."""


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered: the variant that spoke, and its body."""

    variant: str
    body: str


class Samples(Protocol):
    """What this function needs from storage."""

    def sample(self, model_data_url: str) -> dict[str, Any]:
        """Return ``sample.json`` of a model archive: a real row, and its prediction."""
        ...


class Runtime(Protocol):
    """What this function needs from the endpoint."""

    def ask(self, endpoint: str, rows_csv: str) -> Answer:
        """Invoke the endpoint."""
        ...


class S3Samples:
    """Samples out of model archives in S3."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def sample(self, model_data_url: str) -> dict[str, Any]:
        """Return ``sample.json`` of a model archive."""
        with closing(open_archive(self._client, model_data_url)) as archive:
            document: dict[str, Any] = json.loads(read_members(archive, ["sample.json"])["sample.json"])
        return document


class SageMakerRuntime:
    """Endpoints of the account."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def ask(self, endpoint: str, rows_csv: str) -> Answer:
        """Invoke the endpoint with CSV, under an id by which its capture is recognised."""
        answer = self._client.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="text/csv",
            Accept="text/csv",
            InferenceId=_INFERENCE_ID,
            Body=rows_csv.encode(),
        )
        return Answer(answer["InvokedProductionVariant"], answer["Body"].read().decode())


@cache
def _deps() -> tuple[S3Samples, SageMakerRuntime]:
    # A serverless endpoint starts its first container now, and that may take a minute.
    patient = Config(read_timeout=70, retries={"total_max_attempts": 4, "mode": "standard"})
    return S3Samples(boto3.client("s3")), SageMakerRuntime(boto3.client("sagemaker-runtime", config=patient))


def smoke_test(event: Mapping[str, Any], samples: Samples, runtime: Runtime) -> dict[str, Any]:
    """Compare the endpoint's answer with the noted prediction.

    Raises
    ------
    SmokeTestError
        If another variant answers, or the answer is another.
    """
    plan = event["plan"]
    sample = samples.sample(plan["model_data_url"])
    answer = runtime.ask(plan["endpoint"], _as_csv(sample["row"]))
    if answer.variant != plan["variant"]:
        raise SmokeTestError(f"variant {answer.variant} answered instead of {plan['variant']}")
    if not _same(answer.body, sample["prediction"]):
        raise SmokeTestError(
            f"the endpoint answered {answer.body[:200]!r} instead of {sample['prediction']!r}"
        )
    logger.info("answers as trained", extra={"variant": answer.variant})
    return {"variant": answer.variant}


def _as_csv(row: Mapping[str, Any]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(row)
    writer.writerow("" if value is None else value for value in row.values())
    return buffer.getvalue()


def _same(body: str, expected: Any) -> bool:
    lines = body.strip().splitlines()
    said = lines[-1].split(",")[0] if lines else ""
    try:
        return math.isclose(float(said), float(expected), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    except (TypeError, ValueError):
        return said == str(expected)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return smoke_test(event, *_deps())
