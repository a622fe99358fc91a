import io
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.aws.labelled_names import labelled_key
from headrace.aws.quality_data import QualityData

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROWS = pa.table({"_score": [0.1, 0.9], "_time": [NOW, NOW], "temp": [1.0, 2.0]})


class S3:
    """Objects in memory: what is listed, and ranges of what is read."""

    def __init__(self):
        self.objects = {}

    def write(self, key, rows=ROWS):
        body = io.BytesIO()
        pq.write_table(rows, body)
        self.objects[key] = body.getvalue()
        return key

    def get_paginator(self, name):
        return self

    def paginate(self, *, Bucket, Prefix, StartAfter):  # noqa: N803 - as AWS names them
        keys = [key for key in sorted(self.objects) if key.startswith(Prefix) and key > StartAfter]
        for key in keys:  # a page for each, to see that all pages are read
            yield {"Contents": [{"Key": key, "LastModified": NOW, "Size": len(self.objects[key])}]}
        yield {}

    def get_object(self, *, Bucket, Key, Range=None):  # noqa: N803
        body = self.objects[Key]
        if Range is not None:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        return {"Body": io.BytesIO(body)}


@pytest.fixture
def s3():
    return S3()


@pytest.fixture
def data(s3):
    return QualityData(s3, "artifacts")


def test_predictions_of_a_variant_are_listed_from_a_day_on(s3, data):
    s3.write("predictions/variant=v3/date=2026-01-30/a.parquet")
    s3.write("predictions/variant=v3/date=2026-01-31/b.parquet")
    s3.write("predictions/variant=v33/date=2026-01-31/c.parquet")
    s3.objects["predictions/variant=v3/date=2026-01-31/_note"] = b""

    found = data.prediction_files("v3", date(2026, 1, 31))

    assert [(file.key, file.modified) for file in found] == [
        ("predictions/variant=v3/date=2026-01-31/b.parquet", NOW)
    ]


def test_labelled_predictions_are_those_of_the_variant(s3, data):
    ours = s3.write("predictions/variant=v3/date=2026-01-31/a.parquet")
    theirs = s3.write("predictions/variant=v2/date=2026-01-31/a.parquet")
    labelled = [s3.write(labelled_key(key, date(2026, 1, 31))) for key in (ours, theirs)]

    assert [file.key for file in data.labelled_files("v3", date(2026, 1, 1))] == labelled[:1]


def test_columns_that_a_file_does_not_have_are_left_out(s3, data):
    s3.write("predictions/variant=v3/date=2026-01-31/a.parquet")
    (file,) = data.prediction_files("v3", date(2026, 1, 1))

    assert data.rows(file, ["_score", "gone"]).to_pydict() == {"_score": [0.1, 0.9]}
