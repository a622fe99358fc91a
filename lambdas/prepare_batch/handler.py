"""Make records of a file under `batch/` for the transform job, and put aside the rows that the model cannot answer."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.dropped_files import DroppedFile, DroppedFiles
from headrace.aws.logs import function_logger
from headrace.aws.personal_data import PersonalData
from headrace.aws.privacy import ErasedPeople, KeySecrets
from headrace.aws.transform_folder import TransformFolder
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.prepare_batch.preparing import prepare_batch

logger = function_logger()


@cache
def _deps() -> tuple[Any, str, PersonalData]:
    personal = PersonalData(bundled_pipeline(), KeySecrets.from_environ(os.environ), _erased())
    return boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"], personal


def _erased() -> ErasedPeople | None:
    """Return who was erased; None if the pipeline knows nobody."""
    ledger = os.environ.get("LEDGER_TABLE")
    return ErasedPeople(boto3.resource("dynamodb").Table(ledger)) if ledger else None


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    client, bucket, personal = _deps()
    plan, file = event["plan"], DroppedFile(**event["file"])
    with tempfile.TemporaryDirectory() as scratch:
        prepared = prepare_batch(
            file,
            bundled_pipeline(),
            Artifacts(client, bucket).load(f"baselines/{plan['variant']}/baseline.json"),
            DroppedFiles(client),
            TransformFolder(client, bucket, plan["folder"]),
            Path(scratch),
            personal.protection(),
        )
    logger.info("prepared", extra={**file.identity, **prepared})
    return prepared
