"""Look at a release, and say whether it goes on, is promoted or withdrawn."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.baseline_documents import BaselineDocuments
from headrace.aws.captured_data import CapturedData
from headrace.aws.endpoint_metrics import EndpointMetrics
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.quality_data import QualityData
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.aws.release_log import ReleaseLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.judge_release.judging import judge_release
from lambdas.judge_release.ports import Ports


@cache
def _deps() -> tuple[Pipeline, Ports]:
    pipeline = bundled_pipeline()
    client, bucket, endpoint = boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"], os.environ["ENDPOINT_NAME"]
    cloudwatch = boto3.client("cloudwatch")
    return pipeline, Ports(
        releases=ReleaseLog(boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])),
        baselines=BaselineDocuments(client, bucket),
        documents=Artifacts(client, bucket),
        captured=CapturedData(client, bucket, endpoint),
        rows=QualityData(client, bucket),
        alarms=ReleaseAlarms(cloudwatch, pipeline.name),
        counted=EndpointMetrics(cloudwatch, endpoint),
        metrics=PipelineMetrics(pipeline.name),
    )


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return judge_release(event, *_deps(), datetime.now(UTC))
