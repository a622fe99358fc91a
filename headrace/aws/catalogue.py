"""The curated data: Parquet files by day, registered in Glue."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import awswrangler as wr
import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.aws.athena_types import athena_types
from headrace.aws.curated_names import curated_folder, curated_key
from headrace.ml.table_names import PARTITION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Catalogue:
    """One table of curated rows.

    Parameters
    ----------
    session : Session
        Whose permissions are used.
    bucket, database, table : str
        Where the rows are, and under which name.
    """

    session: boto3.Session
    bucket: str
    database: str
    table: str
    _registered: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False, compare=False)
    """Days and schemas that a warm function need not register again: of a thousand files all but the first."""

    def store(self, rows: Path, *, source: str, day: str) -> str:
        """Upload a Parquet file to the partition `day`, and register it; return its URI.

        The name follows from `source`: storing the same source again replaces the file and never doubles its rows.
        """
        path = f"s3://{self.bucket}/{curated_key(source, day)}"
        self._client.upload_file(str(rows), self.bucket, curated_key(source, day))
        schema = pq.read_schema(rows)
        if (known := (day, schema.to_string())) not in self._registered:
            self.register(schema, day=day)
            self._registered.add(known)
        return path

    @cached_property
    def _client(self) -> S3Client:
        return self.session.client("s3")

    def register(self, schema: pa.Schema, *, day: str) -> None:
        """Make the partition `day` known, and the table if it is not yet."""
        folder = f"s3://{self.bucket}/{curated_folder(day)}"
        where = {"database": self.database, "table": self.table, "boto3_session": self.session}
        columns = athena_types(schema)
        known = wr.catalog.get_table_types(**where)
        if known is None:
            wr.catalog.create_parquet_table(
                **where,
                path=f"s3://{self.bucket}/curated/",
                columns_types=columns,
                partitions_types={PARTITION: "string"},
                mode="append",
            )
        else:
            # A later version of the contract has further columns. Athena reads Parquet by name, so files without them
            # stay readable.
            for name, kind in columns.items():
                if name not in known:
                    wr.catalog.add_column(**where, column_name=name, column_type=kind, column_comment="")
        # Without columns of its own a partition has those of the table, whichever version it was made for.
        wr.catalog.add_parquet_partitions(**where, partitions_values={folder: [day]})
