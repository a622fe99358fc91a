"""Take in the files of one batch of messages; each message succeeds or is delivered again by itself."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from headrace.aws.catalogue import Catalogue
from headrace.aws.contract_store import ContractStore
from headrace.aws.dropped_files import DroppedFile, DroppedFiles, says_complete
from headrace.aws.file_ledger import FileLedger, FileRecord
from headrace.aws.ingest_profiles import IngestProfiles
from headrace.aws.ingestion_metrics import report
from headrace.aws.large_files import LargeFiles
from headrace.aws.logs import function_logger
from headrace.aws.message_batches import message_processor
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.personal_data import PersonalData
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.privacy import ErasedPeople, KeySecrets
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.ingest_file.ingest import Ports, ingest

_REMEMBERED_S = 14 * 86400  # as long as a message can wait in the queue

logger = function_logger()
processor = message_processor(logger)


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    data_bucket: str
    artifacts_bucket: str
    ledger_table: str
    idempotency_table: str
    glue_database: str
    glue_table: str
    clean_large_file_arn: str
    key_secrets: KeySecrets

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one but for those that not every pipeline has."""
        known = {"CLEAN_LARGE_FILE_ARN": "", **environ}
        named = {name: known[name.upper()] for name in cls.__dataclass_fields__ if name != "key_secrets"}
        return cls(**named, key_secrets=KeySecrets.from_environ(environ))


@dataclass(frozen=True)
class Dependencies:
    """What the handler works with."""

    pipeline: Pipeline
    ports: Ports
    metrics: PipelineMetrics
    once: DynamoDBPersistenceLayer
    idempotency: IdempotencyConfig


@cache
def _deps() -> Dependencies:
    settings, pipeline, session = Settings.from_environ(os.environ), bundled_pipeline(), boto3.Session()
    s3 = session.client("s3")
    ledger = session.resource("dynamodb").Table(settings.ledger_table)
    ports = Ports(
        files=DroppedFiles(s3),
        contracts=ContractStore(s3, settings.artifacts_bucket),
        curated=Catalogue(session, settings.data_bucket, settings.glue_database, settings.glue_table),
        profiles=IngestProfiles(s3, settings.data_bucket),
        ledger=FileLedger(ledger),
        announcements=PipelineEvents(session.client("events"), pipeline.name),
        large_files=_large_files(session, settings.clean_large_file_arn),
        personal=PersonalData(pipeline, settings.key_secrets, ErasedPeople(ledger)),
    )
    once = DynamoDBPersistenceLayer(settings.idempotency_table, boto3_session=session)
    remembered = IdempotencyConfig(expires_after_seconds=_REMEMBERED_S)
    return Dependencies(pipeline, ports, PipelineMetrics(pipeline.name), once, remembered)


def _large_files(session: boto3.Session, state_machine_arn: str) -> LargeFiles | None:
    if not state_machine_arn:
        return None
    return LargeFiles(session.client("s3"), session.client("stepfunctions"), state_machine_arn)


def take_message(record: SQSRecord) -> None:
    """Take in the file that a message announces, once, however often the message comes."""
    deps = _deps()
    event = json.loads(record.body)
    if (
        event.get("Event") == "s3:TestEvent"
    ):  # S3's greeting, if a bucket is ever connected to the queue directly
        return
    file = DroppedFile.from_event(event)
    if file.is_folder or says_complete(file.key):
        logger.info("no data: a folder, a marker or a manifest", extra={"key": file.key})
        return
    privacy = deps.pipeline.privacy
    if privacy and privacy.subject and deps.ports.files.was_rewritten(file):
        logger.info("what an erasure has left of a file that was taken already", extra=file.identity)
        return

    def take(*, identity: dict[str, str]) -> dict[str, Any]:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            taken = ingest(file, deps.pipeline, deps.ports, Path(scratch))
        if taken is None:
            logger.info("file handed over", extra=file.identity)
            return {}
        _report(taken, time.monotonic() - started, deps.metrics)
        return {"rows": taken.rows, "quarantined": taken.quarantined}

    take_once = idempotent_function(
        take, data_keyword_argument="identity", persistence_store=deps.once, config=deps.idempotency
    )
    take_once(identity=file.identity)


def _report(taken: FileRecord, seconds: float, metrics: PipelineMetrics) -> None:
    logger.info(
        "file refused" if taken.refused else "file taken",
        extra={
            "key": taken.key,
            "version_id": taken.version_id,
            "rows": taken.rows,
            "quarantined": taken.quarantined,
            "refused": taken.refused,
            "contract_version": taken.contract_version,
            **({"personal_data": taken.personal_data} if taken.personal_data else {}),
        },
    )
    report(taken, metrics)
    metrics.put({"IngestSeconds": seconds}, unit=Unit.Seconds)


@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lambda entry point: report which messages failed, so that only they come again."""
    # It tells when this invocation ends, so that a file whose taker timed out is not held back for good.
    _deps().idempotency.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=take_message, processor=processor, context=context
    )
