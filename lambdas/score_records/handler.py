"""Answer the records of a stream by the endpoint; a record that cannot be answered does not hold up the others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from headrace.aws.dead_letters import DeadLetters
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.model_endpoint import ModelEndpoint
from headrace.aws.stream_records import StreamRecord, partial_failure, read_records
from headrace.aws.stream_writer import StreamWriter
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.score_records.scoring import Outcome, Ports, score_batch

logger = function_logger()

_ONE_REQUEST_MS = 90_000
"""An answer may take a minute, SageMaker's own limit; then it has to be put."""
_NAMED_AT_MOST = 20


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float], *, unit: Unit = ...) -> None:
        """Emit values that share a unit."""
        ...


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    endpoint_name: str
    prediction_stream_arn: str
    dead_letters_url: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(**{name: environ[name.upper()] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Dependencies:
    """What the handler works with."""

    id_column: str | None
    ports: Ports
    metrics: Metrics
    clock: Callable[[], float]


@cache
def _deps() -> Dependencies:
    settings, pipeline = Settings.from_environ(os.environ), bundled_pipeline()
    # A serverless endpoint starts its first container now, and that may take a minute.
    patient = Config(read_timeout=70, retries={"total_max_attempts": 3, "mode": "standard"})
    ports = Ports(
        endpoint=ModelEndpoint(boto3.client("sagemaker-runtime", config=patient), settings.endpoint_name),
        output=StreamWriter(boto3.client("kinesis"), settings.prediction_stream_arn),
        dead_letters=DeadLetters(boto3.client("sqs"), settings.dead_letters_url),
    )
    return Dependencies(pipeline.id, ports, PipelineMetrics(pipeline.name), time.time)


def score_records(records: list[StreamRecord], deps: Dependencies, context: LambdaContext) -> Outcome:
    """Score a batch, and say how it went without repeating what is in it."""
    outcome = score_batch(
        records,
        deps.ports,
        id_column=deps.id_column,
        enough_time=lambda: context.get_remaining_time_in_millis() > _ONE_REQUEST_MS,
    )
    if outcome.refused:
        named = [
            {"event_id": letter.record.event_id, "reason": letter.reason}
            for letter in outcome.refused[:_NAMED_AT_MOST]
        ]
        logger.warning("records refused", extra={"count": len(outcome.refused), "records": named})
    if outcome.first_failed:
        logger.warning(
            "to be tried again from here",
            extra={"event_id": outcome.first_failed.event_id, "why": outcome.why},
        )
    deps.metrics.put({"RecordsScored": outcome.scored, "RecordsRefused": len(outcome.refused)})
    if outcome.scored:
        oldest = min(record.arrived_at for record in records)
        deps.metrics.put({"ScoringLatency": 1000 * (deps.clock() - oldest)}, unit=Unit.Milliseconds)
    return outcome


@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Lambda entry point: report the first record that must come again; all before it are done."""
    outcome = score_records(read_records(event), _deps(), context)
    return partial_failure(outcome.first_failed)
