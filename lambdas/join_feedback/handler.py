"""Take files of labels, and join the labels that wait to the predictions that they are about."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from headrace.aws.contract_store import ContractStore
from headrace.aws.dropped_files import DroppedFile, DroppedFiles
from headrace.aws.feedback_log import FeedbackLog
from headrace.aws.feedback_rows import FeedbackRows
from headrace.aws.labelled_files import LabelledFiles
from headrace.aws.logs import function_logger
from headrace.aws.message_batches import message_processor
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.personal_data import PersonalData
from headrace.aws.prediction_files import PredictionFiles
from headrace.aws.privacy import ErasedPeople, KeySecrets
from headrace.aws.release_log import ReleaseLog
from headrace.aws.waiting_labels import BusyError, WaitingLabels
from headrace.config.bundle import bundled_pipeline
from headrace.config.feedback import Feedback
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.protection import Protection
from headrace.ml.privacy.redaction import redact_errors
from lambdas.join_feedback import joining, taking

FEEDBACK = "feedback/"
_SPARE_MS = 300_000  # several times what half a million labels take

logger = function_logger()
processor = message_processor(logger)


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    data_bucket: str
    artifacts_bucket: str
    ledger_table: str
    glue_database: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(**{name: environ[name.upper()] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Dependencies:
    """What the handler works with."""

    pipeline: Pipeline
    feedback: Feedback
    taking: taking.Ports
    joining: joining.Ports
    metrics: PipelineMetrics


@cache
def _deps() -> Dependencies:
    settings, pipeline, session = Settings.from_environ(os.environ), bundled_pipeline(), boto3.Session()
    s3, artifacts = session.client("s3"), settings.artifacts_bucket
    ledger = session.resource("dynamodb").Table(settings.ledger_table)
    log = FeedbackLog(ledger)
    contracts, waiting = ContractStore(s3, artifacts), WaitingLabels(s3, artifacts)
    return Dependencies(
        pipeline,
        pipeline.feedback or Feedback(),
        taking.Ports(DroppedFiles(s3), contracts, waiting, log, _of_labels(pipeline, ErasedPeople(ledger))),
        joining.Ports(
            PredictionFiles(s3, artifacts),
            waiting,
            LabelledFiles(s3, session, artifacts, settings.glue_database),
            FeedbackRows(s3, settings.data_bucket),
            contracts,
            log,
            ReleaseLog(ledger),
        ),
        PipelineMetrics(pipeline.name),
    )


def _of_labels(pipeline: Pipeline, people: ErasedPeople) -> Callable[[], Protection | None]:
    """Return what is hidden of labels: the row's id under both of the names that it may have there, and who was erased."""
    personal = PersonalData(pipeline, KeySecrets.from_environ(os.environ), people)

    def protection() -> Protection | None:
        found = personal.protection()
        if found is None or pipeline.id is None:
            return found
        named = {"entity": found.rule.personal[pipeline.id]} if pipeline.id in found.rule.personal else {}
        hidden = {**found.rule.personal, **named}
        same = ("entity",) if found.rule.subject == pipeline.id else ()
        return replace(found, rule=replace(found.rule, personal=hidden, also_subject=same))

    return protection


def take_message(record: SQSRecord) -> None:
    """Take the labels of the file that a message announces, once, however often the message comes."""
    deps = _deps()
    file = DroppedFile.from_event(json.loads(record.body), below=FEEDBACK)
    if file.is_folder:
        return
    privacy = deps.pipeline.privacy
    if privacy and privacy.subject and deps.taking.files.was_rewritten(file):
        logger.info("what an erasure has left of labels that were taken already", extra=file.identity)
        return
    with tempfile.TemporaryDirectory() as scratch:
        taken = taking.take(file, deps.pipeline, deps.feedback, deps.taking, Path(scratch))
    if taken is None:
        logger.info("labels taken before", extra=file.identity)
        return
    logger.info("labels taken", extra={**file.identity, **taken.counts, "refused_file": taken.refused_file})
    deps.metrics.put({"LabelsReceived": taken.received, "LabelsRefused": taken.refused})
    if taken.refused_file:
        deps.metrics.put({"LabelFilesRefused": 1})


def join_waiting(now: datetime, *, but: Collection[str] = ()) -> joining.Joined | None:
    """Join what waits, but for the batches `but`; None if that is nothing, or somebody else is at it."""
    deps = _deps()
    try:
        joined = joining.join(deps.feedback, deps.joining, now, but=but)
    except BusyError as busy:
        logger.info(f"{busy}; it takes these labels when it is done")
        return None
    if joined:
        logger.info("labels joined", extra={"join": joined.name, **joined.counts})
        if joined.why_not:
            logger.warning(
                f"labelled rows are not learnt from: {joined.why_not}", extra={"join": joined.name}
            )
        named = ("matched", "pending", "expired", "corrected")
        deps.metrics.put({f"Labels{name.capitalize()}": joined.counts[name] for name in named})
    return joined


def _join_all(context: LambdaContext) -> None:
    """Join until nothing new has come meanwhile: whoever finds this join under way leaves its labels to it."""
    done: list[str] = []
    while joined := join_waiting(datetime.now(UTC), but=done):
        done.append(joined.name)
        if context.get_remaining_time_in_millis() < _SPARE_MS:
            logger.info("the labels that came meanwhile wait for the next run")
            return


@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lambda entry point: take the files that messages announce, if there are any, and join what waits."""
    answer = None
    if "Records" in event:
        answer = process_partial_response(
            event=event, record_handler=take_message, processor=processor, context=context
        )
    _join_all(context)
    return answer
