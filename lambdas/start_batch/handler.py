"""Start answering files under `batch/`: those that the queue announces or, on a schedule, all that nobody has begun."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from headrace.aws.answered_files import BATCH
from headrace.aws.dropped_files import DroppedFile, DroppedFiles, says_complete
from headrace.aws.executions import Executions
from headrace.aws.incoming_files import FileVersion, IncomingFiles
from headrace.aws.logs import function_logger
from headrace.aws.message_batches import message_processor
from headrace.aws.prediction_ledger import PredictionLedger
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()
processor = message_processor(logger)


class Starts(Protocol):
    """What is needed of the state machine."""

    def start_once(self, name: str, input: Mapping[str, Any]) -> bool:
        """Start the execution of this name, unless there was one."""
        ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    def known(self) -> set[tuple[str, str]]:
        """Return keys and versions of the files that somebody has begun with."""
        ...


WasRewritten = Callable[[DroppedFile], bool]
"""Whether a file is what an erasure has left of one that was answered already."""


def _never(_: DroppedFile) -> bool:
    return False


@dataclass(frozen=True)
class Dependencies:
    """What the handler works with."""

    bucket: str
    files: IncomingFiles
    ledger: PredictionLedger
    executions: Executions
    was_rewritten: WasRewritten


@cache
def _deps() -> Dependencies:
    bucket, s3, privacy = os.environ["DATA_BUCKET"], boto3.client("s3"), bundled_pipeline().privacy
    return Dependencies(
        bucket,
        IncomingFiles(s3, bucket),
        PredictionLedger(boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])),
        Executions(boto3.client("stepfunctions"), os.environ["PREDICT_BATCH_ARN"]),
        DroppedFiles(s3).was_rewritten if privacy and privacy.subject else _never,
    )


def start_announced(
    body: str, message_id: str, executions: Starts, was_rewritten: WasRewritten = _never
) -> bool:
    """Start answering the file of an S3 event; a message that comes twice starts nothing a second time."""
    file = DroppedFile.from_event(json.loads(body), below=BATCH)
    return _start(file, message_id, executions, was_rewritten)


def start_waiting(
    bucket: str,
    versions: Iterable[FileVersion],
    ledger: Ledger,
    executions: Starts,
    occasion: str,
    was_rewritten: WasRewritten = _never,
) -> int:
    """Start answering the newest version of every file that nobody has begun with; return how many."""
    known = ledger.known()
    files = [
        DroppedFile(bucket, found.key, found.version_id, found.size_bytes or 0, _moment(found))
        for found in _newest(versions)
        if (found.key, found.version_id) not in known
    ]
    return sum(_start(file, occasion, executions, was_rewritten) for file in files)


def _newest(versions: Iterable[FileVersion]) -> list[FileVersion]:
    """Return the files that are there: of each the version that was dropped last, unless that was its deletion."""
    newest: dict[str, FileVersion] = {}
    for version in versions:
        known = newest.get(version.key)
        # Versions of one key are listed from the newest on: of those of one second the first counts.
        if known is None or version.dropped_at > known.dropped_at:
            newest[version.key] = version
    present = [version for version in newest.values() if version.size_bytes is not None]
    return sorted(present, key=lambda version: version.dropped_at)


def _moment(version: FileVersion) -> str:
    """Return the time in the form of S3's events."""
    return version.dropped_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _start(file: DroppedFile, occasion: str, executions: Starts, was_rewritten: WasRewritten) -> bool:
    if file.is_folder or says_complete(file.key):
        logger.info("no rows: a folder, a marker or a manifest", extra={"key": file.key})
        return False
    if was_rewritten(file):
        logger.info("what an erasure has left of a file that was answered already", extra=file.identity)
        return False
    again = hashlib.sha256(occasion.encode()).hexdigest()[:8]
    started = executions.start_once(f"{file.digest}-{again}", {"file": asdict(file)})
    logger.info("started" if started else "started before", extra=file.identity)
    return started


def _take_message(record: SQSRecord) -> None:
    deps = _deps()
    start_announced(record.body, record.message_id, deps.executions, deps.was_rewritten)


@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lambda entry point: messages of the queue, each for itself, or the schedule's call."""
    if "Records" in event:
        return process_partial_response(
            event=event, record_handler=_take_message, processor=processor, context=context
        )
    deps = _deps()
    versions = deps.files.versions(BATCH)
    started = start_waiting(
        deps.bucket, versions, deps.ledger, deps.executions, context.aws_request_id, deps.was_rewritten
    )
    return {"started": started}
