"""Record what the endpoint was asked and what it answered, as rows and as profiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from headrace.aws.artifacts import Artifacts
from headrace.aws.captured_data import CapturedData
from headrace.aws.logs import function_logger
from headrace.aws.monitor_ledger import LastPrediction, OvertakenError, ProgressLog
from headrace.aws.prediction_index import PredictionIndex
from headrace.aws.predictions import RecordedPredictions
from headrace.aws.projected_table import ProjectedTable
from headrace.aws.time_budget import TimeBudget
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.record_predictions.recording import Ports, Recording

logger = function_logger()


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    artifacts_bucket: str
    ledger_table: str
    endpoint: str
    database: str
    table: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(
            artifacts_bucket=environ["ARTIFACTS_BUCKET"],
            ledger_table=environ["LEDGER_TABLE"],
            endpoint=environ["ENDPOINT_NAME"],
            database=environ["GLUE_DATABASE"],
            table=environ["PREDICTIONS_TABLE"],
        )


@cache
def _deps() -> tuple[Pipeline, Ports]:
    settings = Settings.from_environ(os.environ)
    client = boto3.client("s3")
    ledger = boto3.resource("dynamodb").Table(settings.ledger_table)
    return bundled_pipeline(), Ports(
        captured=CapturedData(client, settings.artifacts_bucket, settings.endpoint),
        baselines=Artifacts(client, settings.artifacts_bucket),
        progress=ProgressLog(ledger, "recorded"),
        store=RecordedPredictions(client, settings.artifacts_bucket),
        table=ProjectedTable(boto3.client("glue"), settings.database, settings.table),
        last_prediction=LastPrediction(ledger),
        index=PredictionIndex(ledger),
    )


def record_predictions(
    pipeline: Pipeline, ports: Ports, now: datetime, goes_on: Callable[[], bool]
) -> dict[str, Any]:
    """Record what was captured since the last time; tell whether there is ``more``, and how many rows there were."""
    recording = Recording(ports, pipeline.id, goes_on)
    rows = 0
    try:
        for recorded in recording.chunks(now):
            logger.info("chunk recorded", extra=asdict(recorded))
            rows += recorded.rows
    except OvertakenError as error:
        # What the other run has not come to yet, this one records when it is called again.
        logger.info(str(error))
        return {"more": True, "rows": rows}
    return {"more": recording.more, "rows": rows}


@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    pipeline, ports = _deps()
    budget = TimeBudget(lambda: context.get_remaining_time_in_millis() / 1000)
    return record_predictions(pipeline, ports, datetime.now(UTC), budget.goes_on)
