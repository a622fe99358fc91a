"""Predictions of which only what is asked for is read, from a bucket that is a dictionary."""

import io
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.aws.prediction_files import PredictionFiles

ROWS = 300_000


class Bucket:
    """As much of S3's client as reading takes; counts requests and bytes."""

    def __init__(self, objects):
        self.objects, self.requests, self.read_bytes = objects, 0, 0

    def get_object(self, Bucket, Key, Range=None):  # noqa: N803 - AWS's names
        data = self.objects[Key]
        if Range:
            start, end = map(int, Range.removeprefix("bytes=").split("-"))
            data = data[start : end + 1]
        self.requests += 1
        self.read_bytes += len(data)
        return {"Body": io.BytesIO(data)}

    def get_paginator(self, _):
        return self

    def paginate(self, Bucket, Prefix, StartAfter="", Delimiter=""):  # noqa: N803
        keys = [key for key in sorted(self.objects) if key.startswith(Prefix) and key > StartAfter]
        if Delimiter:
            folders = {Prefix + key.removeprefix(Prefix).split("/")[0] + "/" for key in keys}
            yield {"CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)]}
            return
        modified = datetime(2026, 2, 1, tzinfo=UTC)
        for key in keys:  # a page for each
            yield {"Contents": [{"Key": key, "Size": len(self.objects[key]), "LastModified": modified}]}


def key(variant, day, name):
    return f"predictions/variant={variant}/date={day}/{name}.parquet"


@pytest.fixture(scope="module")
def large():
    """A file of several groups of rows, most of which are a feature that nobody asks for."""
    table = pa.table(
        {
            "_inference_id": [f"ask-{number}" for number in range(ROWS)],
            "_row": np.zeros(ROWS, np.int32),
            "feature": np.random.default_rng(7).normal(size=ROWS),
        }
    )
    body = io.BytesIO()
    pq.write_table(table, body, row_group_size=100_000)
    return body.getvalue()


@pytest.fixture
def bucket(large):
    return Bucket({key("v1", "2026-01-31", "a"): large})


@pytest.fixture
def predictions(bucket):
    (file,) = PredictionFiles(bucket, "artifacts").since(date(2026, 1, 1))
    return PredictionFiles(bucket, "artifacts").open(file)


def test_files_of_all_variants_come_the_newest_day_first():
    days = {"v1": ["2026-01-29", "2026-01-30", "2026-01-31"], "v2": ["2026-01-30", "2026-02-01"]}
    keys = [key(variant, day, "a") for variant in days for day in days[variant]]
    bucket = Bucket(dict.fromkeys([*keys, "predictions/variant=v1/readme.txt"], b""))

    found = PredictionFiles(bucket, "artifacts").since(date(2026, 1, 30))

    assert [(file.day.day, file.key.split("/")[1]) for file in found] == [
        (1, "variant=v2"),
        (31, "variant=v1"),
        (30, "variant=v1"),
        (30, "variant=v2"),
    ]


def test_columns_are_read_without_the_others_and_in_few_requests(bucket, predictions, large):
    pieces = list(predictions.pieces(["_inference_id", "_row"]))

    assert [start for start, _ in pieces] == list(range(0, ROWS, 2**16))
    assert sum(piece.num_rows for _, piece in pieces) == ROWS
    assert bucket.read_bytes < len(large) / 2
    assert bucket.requests < 15


def test_rows_are_read_from_their_groups_alone(bucket, predictions, large):
    rows = predictions.rows(np.array([5, 5, 99_999, 200_000]))

    assert rows.column("_inference_id").to_pylist() == ["ask-5", "ask-5", "ask-99999", "ask-200000"]
    assert rows.column_names == ["_inference_id", "_row", "feature"]
    assert bucket.read_bytes < len(large) * 3 / 4


def test_a_value_is_found_in_its_group_and_groups_that_cannot_have_it_are_not_read(
    bucket, predictions, large
):
    found = predictions.places("_inference_id", "ask-250000")

    assert found.tolist() == [250_000]
    assert predictions.places("_inference_id", "nobody").tolist() == []
    assert bucket.read_bytes < len(large) / 2


def test_a_column_without_values_has_no_place_and_no_bounds():
    body = io.BytesIO()
    pq.write_table(pa.table({"_inference_id": pa.nulls(3, pa.string()), "_row": [0, 1, 2]}), body)
    bucket = Bucket({key("v1", "2026-01-31", "a"): body.getvalue()})
    (file,) = PredictionFiles(bucket, "artifacts").since(date(2026, 1, 1))
    table = PredictionFiles(bucket, "artifacts").open(file)

    assert table.places("_inference_id", "ask-1").tolist() == []
    assert (table.bounds("_inference_id"), table.bounds("_row"), table.count) == (None, (0, 2), 3)


def test_only_the_named_columns_of_rows_are_given(predictions):
    assert predictions.rows(np.array([7]), ["_inference_id"]).to_pydict() == {"_inference_id": ["ask-7"]}
