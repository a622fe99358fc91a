"""Take in what the Spark job has made of a large file, or refuse the file: from here on it counts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from headrace.aws.catalogue import Catalogue
from headrace.aws.contract_store import ContractStore
from headrace.aws.dropped_files import DroppedFiles
from headrace.aws.file_ledger import FileLedger
from headrace.aws.ingest_profiles import IngestProfiles
from headrace.aws.ingestion_metrics import report
from headrace.aws.large_files import Leftovers, WorkFolder
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.ranged_object import open_ranged
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.close_large_file.closing import Ports, close

logger = function_logger()


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    data_bucket: str
    artifacts_bucket: str
    ledger_table: str
    glue_database: str
    glue_table: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(**{name: environ[name.upper()] for name in cls.__dataclass_fields__})


@cache
def _deps() -> tuple[Ports, PipelineMetrics]:
    settings, pipeline, session = Settings.from_environ(os.environ), bundled_pipeline(), boto3.Session()
    s3 = session.client("s3")
    ports = Ports(
        folder=lambda uri: WorkFolder.at(s3, uri),
        files=DroppedFiles(s3),
        leftovers=Leftovers(s3),
        contracts=ContractStore(s3, settings.artifacts_bucket),
        curated=Catalogue(session, settings.data_bucket, settings.glue_database, settings.glue_table),
        rows=lambda uri: open_ranged(s3, uri),
        profiles=IngestProfiles(s3, settings.data_bucket),
        ledger=FileLedger(session.resource("dynamodb").Table(settings.ledger_table)),
        announcements=PipelineEvents(session.client("events"), pipeline.name),
    )
    return ports, PipelineMetrics(pipeline.name)


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    ports, metrics = _deps()
    record = close(event["folder"], event.get("error") or {}, ports)
    if record is None:
        logger.info("another file has made the contract: clean again", extra={"folder": event["folder"]})
        return {"again": True}
    logger.info(
        "file refused" if record.refused else "file taken", extra={"key": record.key, "rows": record.rows}
    )
    report(record, metrics)
    return {"again": False, "rows": record.rows, "quarantined": record.quarantined, "refused": record.refused}
