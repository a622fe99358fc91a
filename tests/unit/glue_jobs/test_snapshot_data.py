"""The Spark job makes the snapshot that the function makes: the same rows, bytes, hash and marks."""

import io
import json
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glue_jobs.snapshot_data import job, work
from headrace.aws.curated import CuratedFile, SnapshotStore
from headrace.aws.large_snapshots import SnapshotFolder
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.recency import RECENCY
from lambdas.snapshot_data.snapshot import Ports, describe_snapshot, snapshot_data
from tests.unit.glue_jobs.one_machine import Buckets, Context

CONTRACT = Contract(
    "regression",
    (
        ColumnSchema("n", "category", "id"),
        ColumnSchema("at", "datetime", "time"),
        ColumnSchema("x", "number"),
        ColumnSchema("y", "number", "target"),
    ),
)
FIRST = datetime(2026, 1, 1)


def table(first, last, y=0.0):
    """Rows of an hour each; every 17th has no time."""
    numbers = range(first, last)
    times = [None if n % 17 == 0 else FIRST + timedelta(hours=n) for n in numbers]
    return pa.table(
        {
            "n": [str(n) for n in numbers],
            "at": pa.array(times, pa.timestamp("us")),
            "x": [float(n % 13) for n in numbers],
            "y": [y + n for n in numbers],
        }
    )


# The third file repeats rows of the first, some of them changed; the model in service had the first two.
FILES = (table(0, 900), table(900, 1400), table(800, 900, y=1.0), table(1400, 2000))
HAD = 2


def taken(pipeline, here, champion=None, files=FILES):
    """Make a snapshot by the function, or by Spark, and return its answer and all that was written."""
    buckets = Buckets()
    uris = [f"s3://data/curated/{number}.parquet" for number in range(len(files))]
    for uri, rows in zip(uris, files, strict=True):
        buffer = io.BytesIO()
        pq.write_table(rows, buffer)
        buckets["data", uri.removeprefix("s3://data/")] = buffer.getvalue()
    items = [
        {
            "sk": f"2026-01-0{number + 1}",
            "key": f"incoming/{number}.csv",
            "version_id": "v",
            "sha256": "s",
            "rows": rows.num_rows,
            "curated_paths": [uri],
        }
        for number, (uri, rows) in enumerate(zip(uris, files, strict=True))
    ]
    manifests = (
        {} if champion is None else {f"snapshots/{champion['content_hash'][:16]}/manifest.json": champion}
    )
    ports = Ports(
        lambda: items,
        lambda: CONTRACT,
        lambda uri: CuratedFile(uri, "v", "s", files[uris.index(uri)]),
        SnapshotStore(buckets, "artifacts"),
        3008 if here else 1,
        lambda run: SnapshotFolder(buckets, "artifacts", f"snapshots/orders/{run}/"),
        manifests.get,
    )
    answer = snapshot_data("run-1", pipeline, "code1", ports, champion and champion["content_hash"])
    if not here:
        with pytest.MonkeyPatch.context() as patch:
            for module in (job, work):
                patch.setattr(module, "s3", lambda: buckets)
            patch.setattr(work, "ROWS_OF_A_FILE", 300)
            patch.setattr(job, "ROWS_OF_A_FILE", 300)
            job.snapshot_large_data(Context(), answer["folder"])
        answer = describe_snapshot("run-1", pipeline, "code1", ports)
    return answer, {key: body for (bucket, key), body in buckets.items() if bucket == "artifacts"}


def champion_of(pipeline):
    """Return the manifest of the snapshot that the model in service was made from."""
    answer, written = taken(pipeline, here=True, files=FILES[:HAD])
    return json.loads(written[f"snapshots/{answer['content_hash'][:16]}/manifest.json"])


def rows_below(written, prefix):
    found = [pq.read_table(io.BytesIO(written[key])) for key in sorted(written) if key.startswith(prefix)]
    return pa.concat_tables(found)


def pipeline_with(data=None, **blocks):
    return Pipeline(
        name="big",
        problem="regression",
        target="y",
        time="at",
        retraining={"data": {"min_rows": 50, **(data or {})}},
        **blocks,
    )


WINDOWS = [
    {},
    {"use": "recent", "last_days": 20.5},
    {"use": "recent", "last_rows": 300},
    {"use": "weighted", "half_life_days": 15},
    {"use": "weighted", "half_life_rows": 400},
    {"use": "recent", "last_days": 0.5},
]


BY_TIME = {"id": "n", "split": {"by": "time"}}
CASES = [
    *((data, {"id": "n"}) for data in WINDOWS),
    *((data, BY_TIME) for data in WINDOWS[1:4]),
    (WINDOWS[4], {"id": "n", "cleaning": {"same_id": "oldest"}}),
    (WINDOWS[2], {}),
]


@pytest.mark.parametrize(("data", "blocks"), CASES)
def test_spark_makes_what_the_function_makes(data, blocks, monkeypatch):
    monkeypatch.setattr("lambdas.snapshot_data.snapshot._BYTES_OF_A_CELL", 140)  # 1 MB holds 1,872 rows
    pipeline = pipeline_with(data, **blocks)
    champion = champion_of(pipeline)

    here, ours = taken(pipeline, True, champion)
    there, theirs = taken(pipeline, False, champion)

    prefix = f"snapshots/{here['content_hash'][:16]}"
    assert there == here
    for part in ("train", "validation", "test"):
        assert rows_below(theirs, f"{prefix}/{part}/").equals(rows_below(ours, f"{prefix}/{part}/")), part
    marks = [rows_below(found, f"snapshots/orders/run-1/{RECENCY}/") for found in (ours, theirs)]
    assert marks[0].equals(marks[1])
    assert marks[0].num_rows == here["rows"]["test"]
    assert set(np.unique(marks[0][RECENCY])) >= {1}
    manifests = [json.loads(found[f"{prefix}/manifest.json"]) for found in (ours, theirs)]
    for name in ("window", "learned_upto", "rule", "replaced_rows"):
        assert manifests[0][name] == manifests[1][name]
