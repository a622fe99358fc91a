"""Join the answers of a transform job to the rows of their file, and write them where they are looked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from headrace.aws.answered_files import AnsweredFiles
from headrace.aws.artifacts import Artifacts
from headrace.aws.dropped_files import DroppedFile
from headrace.aws.failed_files import FailedFiles
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.prediction_ledger import Prediction, PredictionLedger
from headrace.aws.transform_folder import TransformFolder
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.finish_batch.finishing import Answered, Ports, fail_batch, finish_batch, refuse_batch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = function_logger()


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    artifacts_bucket: str
    ledger_table: str
    dead_letters_url: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(**{name: environ[name.upper()] for name in cls.__dataclass_fields__})


@cache
def _deps() -> tuple[S3Client, Settings, PredictionLedger, Ports]:
    settings, client, name = Settings.from_environ(os.environ), boto3.client("s3"), bundled_pipeline().name
    ledger = PredictionLedger(boto3.resource("dynamodb").Table(settings.ledger_table))
    return (
        client,
        settings,
        ledger,
        Ports(
            results=AnsweredFiles(client),
            captures=Artifacts(client, settings.artifacts_bucket),
            ledger=ledger,
            events=PipelineEvents(boto3.client("events"), name),
            metrics=PipelineMetrics(name),
            letters=FailedFiles(boto3.client("sqs"), settings.dead_letters_url),
        ),
    )


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate by how far the file has come."""
    client, settings, ledger, ports = _deps()
    file, now = DroppedFile(**event["file"]), datetime.now(UTC)
    prediction = ledger.find(file) or Prediction.begun(file, event["execution"], now.isoformat())
    if "error" in event:
        failed = fail_batch(file, prediction, event["error"], ports, now)
        logger.error("failed", extra={**file.identity, **failed})
        return failed
    plan = event["plan"]
    answered = Answered(file, prediction, plan["variant"], datetime.fromisoformat(event["at"]))
    if event["prepared"]["refusal"]:
        return refuse_batch(answered, event["prepared"]["refusal"], ports)
    with tempfile.TemporaryDirectory() as scratch:
        folder = TransformFolder(client, settings.artifacts_bucket, plan["folder"])
        ended = finish_batch(answered, bundled_pipeline(), folder, ports, Path(scratch))
    logger.info("finished", extra=ended)
    return ended
