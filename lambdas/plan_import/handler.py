"""Look which rows of the database are the newest, and fix up to where they are imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.database_import import DatabaseImport
from headrace.aws.import_ledger import OvertakenError, Progress
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.watermark import Watermark
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    ledger_table: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(ledger_table=environ["LEDGER_TABLE"])


class Source(Protocol):
    """What is needed of the database."""

    def newest(self, after: Watermark | None, now: datetime) -> Watermark | None:
        """Return the greatest value beyond `after`."""
        ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    def load(self) -> Progress | None:
        """Return how far the import has come."""
        ...

    def save(self, progress: Progress) -> Progress:
        """Write it over the version it was made from."""
        ...


def plan_import(source: Source, ledger: Ledger, *, everything: bool, now: datetime) -> Progress | None:
    """Fix up to where rows are imported, unless an earlier goal has not been reached yet.

    Parameters
    ----------
    everything : bool
        Whether an import that has come to its end begins at the start again.

    Returns
    -------
    Progress or None
        Where the import is; None if there is nothing to import.
    """
    progress = ledger.load() or Progress()
    if progress.goal:
        return progress
    after = None if everything else progress.position
    goal = source.newest(after, now)
    if goal is None:
        return None
    run = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return ledger.save(Progress(run, after, goal, version=progress.version))


@cache
def _deps() -> tuple[DatabaseImport, PipelineMetrics]:
    settings, pipeline = Settings.from_environ(os.environ), bundled_pipeline()
    imported = DatabaseImport.of_pipeline(pipeline, boto3.Session(), settings.ledger_table)
    return imported, PipelineMetrics(pipeline.name)


def _plan() -> dict[str, Any]:
    imported, metrics = _deps()
    with imported.source() as source:
        if skipped := source.without_mark():
            logger.warning("rows are never imported", extra={"rows": skipped, "null_in": imported.order_by})
        metrics.put({"RowsWithoutWatermark": skipped})
        try:
            planned = plan_import(
                source, imported.ledger, everything=imported.everything, now=datetime.now(UTC)
            )
        except OvertakenError:
            planned = None
    return {"more": planned is not None}


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: tell whether there is ``more`` to import."""
    return _plan()
