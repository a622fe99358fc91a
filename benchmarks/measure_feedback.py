"""How long labels take to find their predictions, and in how much memory: `make bench-feedback`; ends in one line of JSON.

A million predictions of thirty days, a file for each hour, and a hundred thousand labels of any day, on a bucket that is a
folder. Every request is counted, because in S3 each takes some 30 ms.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.aws.feedback_rows import FeedbackRows
from headrace.aws.labelled_files import LabelledFiles
from headrace.aws.prediction_files import PredictionFiles
from headrace.aws.waiting_labels import WaitingLabels
from headrace.config.feedback import Feedback
from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.feedback_labels import LABELS, Join
from lambdas.join_feedback.joining import Ports, join

_HOURS = 24 * 30
_FEATURES = 12
_LABELS = 100_000
_PREDICTIONS = (1_000_000, 3_000_000)
_BEGIN = datetime(2026, 1, 1)  # as predictions are stored: UTC, without a zone
_KB_PER_MB = 1024


class FolderClient:
    """As much of a client of S3 as a join needs, on a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.requests, self.read_bytes = folder, 0, 0

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Return an object, or some bytes of it."""
        data = (
            self._path(Bucket, Key).read_bytes() if not Range else self._part(self._path(Bucket, Key), Range)
        )
        self.requests += 1
        self.read_bytes += len(data)
        return {"Body": pa.BufferReader(data), "ETag": "e"}

    def put_object(self, Bucket: str, Key: str, Body: Any, **_: str) -> None:  # noqa: N803
        """Write an object."""
        path = self._path(Bucket, Key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body if isinstance(Body, bytes) else Body.read())
        self.requests += 1

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        """Delete an object."""
        self._path(Bucket, Key).unlink(missing_ok=True)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> None:  # noqa: N803
        """Delete objects."""
        for item in Delete["Objects"]:
            self.delete_object(Bucket, item["Key"])

    def list_objects_v2(self, Bucket: str, Prefix: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        """List objects."""
        self.requests += 1
        bucket = self._folder / Bucket
        below = bucket / Prefix.rpartition("/")[0]
        found = below.rglob("*") if Prefix.endswith("/") else below.glob(f"{Prefix.rpartition('/')[2]}*")
        return {"Contents": [_listed(path, bucket) for path in sorted(found) if path.is_file()]}

    def get_paginator(self, _: str) -> FolderClient:
        """Return what lists."""
        return self

    def paginate(self, Bucket: str, Prefix: str, Delimiter: str = "", **_: str) -> Iterator[Any]:  # noqa: N803
        """Yield one page."""
        if Delimiter:
            yield {"CommonPrefixes": [{"Prefix": f"{Prefix}variant=v1/"}]}
        else:
            yield self.list_objects_v2(Bucket, Prefix)

    def _path(self, bucket: str, key: str) -> Path:
        return self._folder / bucket / key

    def _part(self, path: Path, span: str) -> bytes:
        start, end = map(int, span.removeprefix("bytes=").split("-"))
        with path.open("rb") as file:
            file.seek(start)
            return file.read(end - start + 1)


def _listed(path: Path, bucket: Path) -> dict[str, Any]:
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return {"Key": path.relative_to(bucket).as_posix(), "Size": stat.st_size, "LastModified": modified}


class Labelled(LabelledFiles):
    """Labelled files, without a catalogue."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, boto3.Session(region_name="us-east-1"), "artifacts", "")

    def _register(self, schema: pa.Schema) -> None:
        del schema


class Contracts:
    """One contract."""

    def load(self) -> Contract:
        """Return it."""
        features = (ColumnSchema(f"f{number}", "number") for number in range(_FEATURES))
        ends = ColumnSchema("customer", "category", "id"), ColumnSchema("y", "number", "target")
        return Contract("regression", (*features, *ends))


class Log:
    """Writes nothing down."""

    def joined(self, *_: Any) -> None:
        """Take no note."""


class Releases:
    """Knows of none."""

    def newest_first(self) -> Iterator[Any]:
        """Yield nothing."""
        return iter(())


def measure(how: Join, predictions: int) -> dict[str, Any]:
    """Join once, in this process; return seconds of the clock and of the processor, peak memory, requests and what was read."""
    with tempfile.TemporaryDirectory() as folder:
        client = FolderClient(Path(folder))
        _write_predictions(client, predictions)
        waiting = WaitingLabels(client, "artifacts")  # type: ignore[arg-type]
        waiting.add("batch", _labels(how, predictions))
        ports = Ports(
            PredictionFiles(client, "artifacts"),  # type: ignore[arg-type]
            waiting,
            Labelled(client),
            FeedbackRows(client, "data"),  # type: ignore[arg-type]
            Contracts(),
            Log(),
            Releases(),
        )
        client.requests = client.read_bytes = 0
        before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB_PER_MB
        began, began_cpu = time.perf_counter(), time.process_time()
        now = (_BEGIN + timedelta(days=30, hours=4)).replace(tzinfo=UTC)
        joined = join(Feedback(join=how, within_days=31), ports, now)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
        counts = joined.counts if joined else {}
        if counts.get("matched") != _LABELS or counts.get("trained_on") != _LABELS:
            raise SystemExit(f"not every label was joined: {counts}")
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB_PER_MB
        return {
            "seconds": round(seconds, 1),
            "cpu_seconds": round(cpu_seconds, 1),
            "peak_memory_mb": round(peak_mb),
            "memory_before_mb": round(before_mb),
            "requests": client.requests,
            "read_mb": round(client.read_bytes / 2**20),
        }


def _write_predictions(client: FolderClient, predictions: int) -> None:
    count, random = predictions // _HOURS, np.random.default_rng(7)
    for hour in range(_HOURS):
        moment = _BEGIN + timedelta(hours=hour)
        numbers = np.arange(hour * count, (hour + 1) * count)
        columns: dict[str, Any] = {
            "_event_id": [f"event-{number:032x}" for number in numbers],
            "_inference_id": _ids(numbers),
            "_row": np.zeros(count, np.int32),
            "_time": np.full(count, moment, "datetime64[us]"),
            "_entity": [f"customer-{number}" for number in numbers],
            "_prediction": ["1.5"] * count,
            "_score": random.normal(size=count),
        }
        features = {f"f{feature}": random.normal(size=count) for feature in range(_FEATURES)}
        body = pa.BufferOutputStream()
        pq.write_table(pa.table({**columns, **features}), body)
        key = f"predictions/variant=v1/date={moment:%Y-%m-%d}/{hour:03d}.parquet"
        client.put_object("artifacts", key, body.getvalue().to_pybytes())


def _ids(numbers: Any) -> list[str]:
    """Return ids that compress as badly as UUIDs."""
    words = (numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(0x2545F4914F6CDD1D)
    return [f"{word:016x}{word * 31 % 2**64:016x}" for word in words.tolist()]


def _labels(how: Join, predictions: int) -> pa.Table:
    hours = predictions // _HOURS * _HOURS
    chosen = np.sort(np.random.default_rng(8).choice(hours, _LABELS, replace=False))
    arrived = _BEGIN + timedelta(days=30)
    by_id = how == "inference_id"
    nothing = pa.nulls(_LABELS, pa.string())
    moments = pa.array(np.full(_LABELS, arrived, "datetime64[us]"))
    columns = {
        "inference_id": _ids(chosen) if by_id else nothing,
        "row": np.zeros(_LABELS, np.int64),
        "entity": nothing if by_id else [f"customer-{number}" for number in chosen],
        "at": moments,
        "label": ["2.5"] * _LABELS,
        "labelled_at": moments,
        "received_at": moments,
        "source": ["feedback/labels.csv#1"] * _LABELS,
        "compared_upto": pa.nulls(_LABELS, pa.timestamp("us")),
    }
    return pa.table(columns, schema=LABELS)


def main() -> None:
    """Measure both ways of joining, each in a process of its own."""
    figures: dict[str, Any] = {"labels": _LABELS}
    ways: tuple[Join, ...] = ("inference_id", "entity")
    for predictions in _PREDICTIONS:
        for way in ways:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = pool.apply(measure, (way, predictions))
            figures |= {f"{way}_{predictions // 1_000_000}m_{name}": value for name, value in found.items()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
