"""The curated data: Parquet files by day, registered in Glue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import awswrangler as wr
import boto3
import pandas as pd

from headrace.ml.table_names import PARTITION


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

    def write(self, frame: pd.DataFrame, *, source: str, day: str) -> str:
        """Write `frame` as one file of the partition `day`, and register it; return the file's URI.

        The name follows from `source`: writing the same source again replaces the file and never doubles its rows.
        """
        folder = f"s3://{self.bucket}/curated/{PARTITION}={day}/"
        path = f"{folder}{hashlib.sha256(source.encode()).hexdigest()[:32]}.parquet"
        wr.s3.to_parquet(frame, path, index=False, compression="snappy", boto3_session=self.session)
        self._register(frame, folder, day)
        return path

    def _register(self, frame: pd.DataFrame, folder: str, day: str) -> None:
        where = {"database": self.database, "table": self.table, "boto3_session": self.session}
        if not wr.catalog.does_table_exist(**where):
            columns, _ = wr.catalog.extract_athena_types(frame, index=False)
            wr.catalog.create_parquet_table(
                **where,
                path=f"s3://{self.bucket}/curated/",
                columns_types=columns,
                partitions_types={PARTITION: "string"},
                mode="append",
            )
        wr.catalog.add_parquet_partitions(**where, partitions_values={folder: [day]})
