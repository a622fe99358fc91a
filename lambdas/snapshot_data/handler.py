"""Freeze all accepted data in one snapshot that a training can be repeated from."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.contract_store import ContractStore
from headrace.aws.curated import SnapshotStore, read_curated
from headrace.aws.large_snapshots import ORDERS, SnapshotFolder
from headrace.aws.logs import function_logger
from headrace.aws.training_log import TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.snapshot_data.snapshot import Ports, describe_snapshot, snapshot_data

logger = function_logger()


@cache
def _deps() -> tuple[Pipeline, str, Ports]:
    client, pipeline = boto3.client("s3"), bundled_pipeline()
    log = TrainingLog(boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"]))
    bucket = os.environ["ARTIFACTS_BUCKET"]
    ports = Ports(
        files=log.files,
        contract=ContractStore(client, bucket).load,
        read=lambda uri: read_curated(client, uri),
        store=SnapshotStore(client, bucket),
        memory_mb=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        manifest=Artifacts(client, bucket).load,
        folder=(lambda run: SnapshotFolder(client, bucket, f"{ORDERS}{run}/"))
        if pipeline.large_data
        else None,
    )
    return pipeline, os.environ["CODE_VERSION"], ports


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    if event.get("dealt"):
        answer = describe_snapshot(event["run"], *_deps())
    else:
        answer = snapshot_data(event["run"], *_deps(), event.get("champion_snapshot"))
    logger.info("snapshot", extra={"answer": answer})
    return answer
