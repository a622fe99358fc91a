"""Look how far a batch has come; an execution of the state machine asks until it is settled."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from headrace.aws.batch_ledger import BatchLedger
from headrace.aws.dropped_files import DroppedFile, DroppedFiles
from headrace.aws.file_ledger import FileLedger
from headrace.aws.incoming_files import IncomingFiles
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.pipeline_events import PipelineEvents
from headrace.config.arrival import Arrival
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.gather_batch.gather import Ports, gather_batch

_REMEMBERED_S = 14 * 86400  # longer than the longest wait


@cache
def _deps() -> tuple[Arrival, IdempotencyConfig, Ports]:
    pipeline, session = bundled_pipeline(), boto3.Session()
    s3, bucket = session.client("s3"), os.environ["DATA_BUCKET"]
    table = session.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    config = IdempotencyConfig(expires_after_seconds=_REMEMBERED_S)
    store = DynamoDBPersistenceLayer(os.environ["IDEMPOTENCY_TABLE"], boto3_session=session)

    def once(note: DroppedFile, settle: Callable[[], None]) -> None:
        def settle_once(*, identity: dict[str, str]) -> None:
            settle()

        idempotent_function(
            settle_once, data_keyword_argument="identity", persistence_store=store, config=config
        )(identity=note.identity)

    ports = Ports(
        listing=IncomingFiles(s3, bucket),
        files=DroppedFiles(s3),
        ledger=FileLedger(table),
        batches=BatchLedger(table),
        events=PipelineEvents(session.client("events"), pipeline.name),
        metrics=PipelineMetrics(pipeline.name),
        once=once,
    )
    return pipeline.arrival, config, ports


@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    arrival, config, ports = _deps()
    config.register_lambda_context(context)
    return gather_batch(event, arrival, ports, datetime.now(UTC))
