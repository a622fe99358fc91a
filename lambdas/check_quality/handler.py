"""Say how good the model in service is: from its scores at once, from labels as soon as they come."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.quality_data import QualityData
from headrace.aws.training_log import TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.check_quality.checking import Ports, check_quality


@cache
def _deps() -> tuple[Pipeline, Ports]:
    pipeline = bundled_pipeline()
    client, bucket = boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"]
    return pipeline, Ports(
        champions=TrainingLog(boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])),
        rows=QualityData(client, bucket),
        documents=Artifacts(client, bucket),
        metrics=PipelineMetrics(pipeline.name),
    )


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return check_quality(*_deps(), datetime.now(UTC))
