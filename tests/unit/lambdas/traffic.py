"""Captured traffic and what becomes of it, in memory: for tests of the recording and of the checks."""

import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from headrace.aws.capture_window import StoredObject
from headrace.aws.captured_profiles import CapturedProfile
from headrace.aws.monitor_ledger import OvertakenError, Progress
from headrace.aws.predictions import RecordedPredictions
from headrace.ml.contract import ColumnSchema
from headrace.ml.profile import profile_frame
from lambdas.record_predictions.recording import Ports
from tests.unit.lambdas.captures import record

NOW = datetime(2026, 1, 31, 11, 0, 4, tzinfo=UTC)
SCHEMA = [ColumnSchema("temp", "number"), ColumnSchema("season", "category")]


def rows(n, *, mean=0.2, spring=0.5, seed=0):
    rng = np.random.default_rng(seed)
    temp = rng.normal(mean, 0.1, n)
    season = np.where(rng.random(n) < spring, "spring", "winter")
    return pd.DataFrame({"temp": temp, "season": season})


def predictions(frame):
    return (100 * frame["temp"]).round(1).tolist()


def requests(frame, *, prefix="e", rows_each=10):
    """Cut rows into requests and return their capture records."""
    lines = [f"{temp:.4f},{season}" for temp, season in frame.itertuples(index=False)]
    answers = predictions(frame)
    return [
        record(f"{prefix}{start}", lines[start : start + rows_each], answers[start : start + rows_each])
        for start in range(0, len(lines), rows_each)
    ]


def baseline():
    reference = rows(2000, seed=1)
    return profile_frame(reference, SCHEMA, predictions=predictions(reference)).as_dict()


class Captured(dict):
    """Captured objects by key; their times of modification beside them."""

    def __init__(self):
        super().__init__()
        self.modified = {}

    def write(self, lines, *, variant="v3", hour="2026/01/31/10", name="a", minutes=0):
        key = f"capture/headrace-bike/{variant}/{hour}/{name}.jsonl"
        self[key] = "\n".join(lines).encode()
        self.modified[key] = NOW - timedelta(minutes=30) + timedelta(minutes=minutes)

    def variants(self):
        return sorted({key.split("/")[2] for key in self})

    def list_objects(self, variant, first_hour):
        prefix = f"capture/headrace-bike/{variant}/"
        return [
            StoredObject(key, self.modified[key], len(self[key]))
            for key in sorted(self)
            if key.startswith(prefix) and key > f"{prefix}{first_hour}"
        ]

    def read(self, keys):
        return iter([self[key] for key in keys])


class ProgressLog(dict):
    def load(self, variant):
        return self.get(variant, Progress())

    def save(self, variant, progress):
        if self.load(variant).version != progress.version:
            raise OvertakenError("overtaken")
        self[variant] = Progress(progress.checkpoint, progress.pending, progress.chunk, progress.version + 1)
        return self[variant]


class Bucket(dict):
    """As much of an S3 client as the store needs; `modified` is when a key was written first."""

    now = NOW

    def __init__(self):
        super().__init__()
        self.modified = {}

    def put_object(self, *, Bucket, Key, Body, IfNoneMatch):  # noqa: N803
        if Key not in self:
            self[Key], self.modified[Key] = Body, self.now

    def get_object(self, *, Bucket, Key):  # noqa: N803
        return {"Body": io.BytesIO(self[Key])}

    def get_paginator(self, name):
        return self

    def paginate(self, *, Bucket, Prefix):  # noqa: N803
        return [{"Contents": [{"Key": key} for key in sorted(self) if key.startswith(Prefix)]}]

    # --- what tests look at

    def below(self, prefix):
        return {key: body for key, body in self.items() if key.startswith(prefix)}

    def table(self, variant="v3"):
        """Return all recorded rows of a variant."""
        files = self.below(f"predictions/variant={variant}/")
        frames = [pq.read_table(io.BytesIO(body), partitioning=None).to_pandas() for body in files.values()]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def profiles(self, variant="v3"):
        return [json.loads(body) for body in self.below(f"profiles/{variant}/").values()]


class Profiles:
    """The profiles in a bucket, as a check finds them."""

    def __init__(self, bucket):
        self.bucket = bucket

    def list_objects(self, variant, first_hour):
        prefix = f"profiles/{variant}/"
        return [
            StoredObject(key, self.bucket.modified[key])
            for key in sorted(self.bucket.below(prefix))
            if key > f"{prefix}{first_hour}"
        ]

    def read(self, keys):
        return (CapturedProfile.from_dict(json.loads(self.bucket[key])) for key in keys)


class Documents(dict):
    def load(self, key):
        return self.get(key)

    def store(self, key, document):
        self[key] = document

    def put(self, key, body, *, content_type):
        self[key] = (body, content_type)


class Table(dict):
    """The catalogue: columns by variant."""

    def learn(self, variant, columns):
        self[variant] = dict(columns)


class LastPrediction:
    at = None

    def note(self, at):
        self.at = max(at, self.at) if self.at else at

    def time(self):
        return self.at


class Index(dict):
    """What is known of files of predictions, by key."""

    def add(self, file):
        self[file.key] = file


def recording_ports(bucket, documents):
    return Ports(
        captured=Captured(),
        baselines=documents,
        progress=ProgressLog(),
        store=RecordedPredictions(bucket, "artifacts"),
        table=Table(),
        last_prediction=LastPrediction(),
        index=Index(),
    )
