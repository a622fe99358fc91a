"""What the functions of an import work with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from headrace.aws.database_connection import connection
from headrace.aws.import_ledger import ImportLedger, source_id
from headrace.aws.source_table import SourceTable
from headrace.config.database import Database
from headrace.config.pipeline import Pipeline

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class DatabaseImport:
    """The import of one pipeline.

    Parameters
    ----------
    database : Database
        What is imported.
    order_by : str
        The column that it is read in the order of.
    everything : bool
        Whether all rows are read each time, because there is no watermark.
    secrets : SecretsManagerClient
        Where the password is.
    ledger : ImportLedger
        How far it has come.
    """

    database: Database
    order_by: str
    everything: bool
    secrets: SecretsManagerClient
    ledger: ImportLedger

    @classmethod
    def of_pipeline(cls, pipeline: Pipeline, session: boto3.Session, ledger_table: str) -> DatabaseImport:
        """Wire the import of a pipeline that has a database; ``ValueError`` if it has none."""
        database = pipeline.database
        order_by = (database.watermark if database else None) or pipeline.id
        if database is None or order_by is None:
            raise ValueError(f"the pipeline {pipeline.name} imports no database")
        return cls(
            database=database,
            order_by=order_by,
            everything=database.watermark is None,
            secrets=session.client("secretsmanager"),
            ledger=ImportLedger(session.resource("dynamodb").Table(ledger_table), source_id(database)),
        )

    @contextlib.contextmanager
    def source(self) -> Iterator[SourceTable]:
        """Connect to the database, and disconnect in the end; ``DatabaseError`` says what is wrong with it."""
        with connection(self.secrets, self.database) as opened:
            yield SourceTable(opened, self.database, self.order_by)
