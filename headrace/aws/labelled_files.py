"""Predictions with their labels: one Parquet file for each file of predictions, and the table of them in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import awswrangler as wr
import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.aws.athena_types import athena_types
from headrace.aws.ranged_object import RangedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TABLE = "labelled_predictions"


@dataclass(frozen=True)
class LabelledFiles:
    """The objects below ``labelled/`` of the artifacts bucket.

    Parameters
    ----------
    client : S3Client
        May list, read and write there.
    session : Session
        May add columns to their table.
    bucket, database : str
        Where they are, and the database of their table.
    """

    client: S3Client
    session: boto3.Session
    bucket: str
    database: str
    _known: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _registering: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def load(self, key: str) -> pa.Table | None:
        """Return a file, or None if there is none."""
        # Asked by listing: to a role that may list a prefix only, S3 answers a GET of a missing key with 403, not 404.
        page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        for item in page.get("Contents", []):
            if item["Key"] == key:
                file = RangedObject(self.client, self.bucket, key, item["Size"])
                return pq.read_table(pa.PythonFile(file, mode="r"), use_threads=False)
        return None

    def store(self, key: str, rows: pa.Table) -> None:
        """Write a file, replacing what is at `key`, and make its columns known; several may be written at once."""
        body = pa.BufferOutputStream()
        pq.write_table(rows, body)
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body.getvalue().to_pybytes())
        with self._registering:
            self._register(rows.schema)

    def _register(self, schema: pa.Schema) -> None:
        """Add the columns that the table does not have yet: the stack knows those that every pipeline has."""
        types = athena_types(schema)
        fresh = types.keys() - self._known
        if not fresh:
            return
        where = {"database": self.database, "table": TABLE, "boto3_session": self.session}
        known = wr.catalog.get_table_types(**where) or {}
        for name in (name for name in types if name in fresh and name not in known):
            wr.catalog.add_column(**where, column_name=name, column_type=types[name], column_comment="")
        self._known.update(types)
