"""Dropped files, and the snapshot that the function makes of them."""

import pyarrow as pa

from headrace.aws.curated import CuratedFile, SnapshotStore
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema, Contract
from lambdas.snapshot_data import parts
from lambdas.snapshot_data.snapshot import Ports, snapshot_data

PIPELINE = Pipeline(
    name="bike",
    problem="regression",
    target="cnt",
    id="instant",
    time="dteday",
    ignore=["casual"],
    columns={"season": "category"},
)
CONTRACT = Contract(
    "regression",
    (
        ColumnSchema("instant", "category", "id"),
        ColumnSchema("dteday", "datetime", "time"),
        ColumnSchema("temp", "number"),
        ColumnSchema("season", "category"),
        ColumnSchema("holiday", "boolean"),
        ColumnSchema("casual", "number", "ignored"),
        ColumnSchema("cnt", "number", "target"),
    ),
)


def deal(tables, pipeline):
    return parts.deal(tables, pipeline, CONTRACT)


def rows(first, last, cnt=1.0):
    numbers = range(first, last)
    return pa.table(
        {
            "instant": [str(n) for n in numbers],
            "dteday": pa.array([1_000_000 * n for n in numbers], pa.timestamp("us")),
            "temp": [n / 10 for n in numbers],
            "season": ["spring" for _ in numbers],
            "holiday": [n % 2 == 0 for n in numbers],
            "casual": [0.0 for _ in numbers],
            "cnt": [cnt for _ in numbers],
        }
    )


class Bucket(dict):
    """Stands for the S3 client: objects by key."""

    def put_object(self, *, Bucket, Key, Body):  # noqa: N803 - AWS's names
        self[Key] = Body


def take(pipeline, groups, memory_mb=3008, folder=None, champion=None):
    """Snapshot dropped files, each a list of tables, and return (answer, bucket).

    `champion` is the manifest of what the model in service was made from; one without files is not there.
    """
    tables = {f"s3://data/curated/{n}-{m}": t for n, group in enumerate(groups) for m, t in enumerate(group)}
    files = [
        {
            "sk": f"2026-01-0{n + 1}",
            "key": f"incoming/{n}.csv",
            "version_id": str(n),
            "sha256": "s",
            "rows": sum(t.num_rows for t in group),
            "curated_paths": [f"s3://data/curated/{n}-{m}" for m in range(len(group))],
        }
        for n, group in enumerate(groups)
    ]
    bucket = Bucket()
    ports = Ports(
        lambda: files,
        lambda: CONTRACT,
        lambda uri: CuratedFile(uri, "v", "checksum", tables[uri]),
        SnapshotStore(bucket, "artifacts"),
        memory_mb,
        folder and (lambda run: folder),
        lambda key: champion if champion["files"] and champion["content_hash"][:16] in key else None,
    )
    made_from = champion and champion["content_hash"]
    return snapshot_data("run-1", pipeline, "code1", ports, made_from), bucket
