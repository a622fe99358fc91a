"""Import rows of the database as files, as many as fit into one invocation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from headrace.aws.database_import import DatabaseImport
from headrace.aws.import_ledger import OvertakenError
from headrace.aws.imported_files import ImportedFiles
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.time_budget import TimeBudget
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.import_rows.import_rows import ImportedFile, Ports, import_rows

logger = function_logger()


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    data_bucket: str
    ledger_table: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(data_bucket=environ["DATA_BUCKET"], ledger_table=environ["LEDGER_TABLE"])


@cache
def _deps() -> tuple[DatabaseImport, ImportedFiles, PipelineMetrics]:
    settings, pipeline, session = Settings.from_environ(os.environ), bundled_pipeline(), boto3.Session()
    imported = DatabaseImport.of_pipeline(pipeline, session, settings.ledger_table)
    files = ImportedFiles(
        session.client("s3"),
        settings.data_bucket,
        imported.database.source,
        marked=pipeline.arrival.train == "batch",
    )
    return imported, files, PipelineMetrics(pipeline.name)


def _import(remaining_s: Callable[[], float]) -> dict[str, Any]:
    imported, files, metrics = _deps()
    began, written = time.monotonic(), list[ImportedFile]()
    try:
        with imported.source() as source:
            for file in import_rows(
                Ports(source, imported.ledger, files),
                rows_per_file=imported.database.rows_per_file,
                goes_on=TimeBudget(remaining_s).goes_on,
            ):
                logger.info("file imported", extra={"key": file.key, "rows": file.rows})
                written.append(file)
    except OvertakenError:
        logger.info("another import of the same rows has gone ahead; this one leaves them to it")
        return {"more": False}
    finally:
        _measure(written, time.monotonic() - began, metrics)
    progress = imported.ledger.load()
    return {"more": progress is not None and progress.goal is not None}


def _measure(written: list[ImportedFile], seconds: float, metrics: PipelineMetrics) -> None:
    metrics.put({"RowsImported": sum(file.rows for file in written), "FilesImported": len(written)})
    metrics.put({"ImportSeconds": seconds}, unit=Unit.Seconds)
    age_s = written[-1].upto.seconds_before(datetime.now(UTC)) if written else None
    if age_s is not None:
        metrics.put({"WatermarkAge": age_s}, unit=Unit.Seconds)


@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point: tell whether there is ``more`` to import."""
    return _import(lambda: context.get_remaining_time_in_millis() / 1000)
