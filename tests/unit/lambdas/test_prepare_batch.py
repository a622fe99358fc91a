import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.profile import profile_frame
from headrace.ml.rows import read_columns
from lambdas.prepare_batch import preparing
from lambdas.prepare_batch.preparing import NoBaselineError, prepare_batch
from tests.unit.lambdas.answered_files import file

SCHEMA = [ColumnSchema("temp", "number"), ColumnSchema("season", "category")]
CELLS = {"temp": ["0.1", "0.2", "0.3"], "season": ["spring", "fall", "fall"]}
BASELINE = profile_frame(read_columns(CELLS, SCHEMA), SCHEMA).as_dict() | {"classes": ["no", "yes"]}
ROWS = b"id,temp,season\na,0.3,spring\nb,0.4,fall\n"


class Storage:
    """One file, and the folder of its job."""

    def __init__(self, body):
        self.body, self.parts, self.known, self.rejected = body, {}, None, None

    def fetch(self, file, path):
        if self.body is None:
            raise FileRefusedError(FileReason.OBJECT_MISSING, "the file was deleted")
        path.write_bytes(self.body)
        return "sha"

    def put_records(self, part, lines):
        self.parts[part] = lines

    def put_prepared(self, document, rejected):
        self.known, self.rejected = document, rejected.read_text() if rejected else None

    @property
    def records(self):
        return [json.loads(line) for part in sorted(self.parts) for line in self.parts[part].splitlines()]


@pytest.fixture
def prepare(tmp_path):
    def prepare(body, *, baseline=BASELINE, size=100, key="may.csv", **fields):
        storage = Storage(body)
        known = {"name": "bike", "problem": "binary", "target": "late", "id": "id", **fields}
        pipeline = Pipeline.model_validate({"endpoint": {"kind": "batch"}, **known})
        told = prepare_batch(file(key, size=size), pipeline, baseline, storage, storage, tmp_path)
        return told, storage

    return prepare


def test_rows_become_records_and_what_is_known_of_them_lies_beside(prepare):
    told, storage = prepare(ROWS)

    assert told == {"rows": 2, "refused": 0, "refusal": None}
    assert storage.records[1] == {
        "row": 2,
        "features": {"temp": "0.4", "season": "fall"},
        "kept": {"id": "b"},
    }
    assert {name: storage.known[name] for name in ("rows", "beside", "id", "classes")} == {
        "rows": 2,
        "beside": ["id"],
        "id": "id",
        "classes": ["no", "yes"],
    }
    assert storage.rejected is None


def test_bad_rows_are_put_aside_with_their_reasons(prepare):
    told, storage = prepare(ROWS + b"c,warm,fall\nd\n")

    assert told == {"rows": 2, "refused": 2, "refusal": None}
    assert storage.known["refused"]["rows"] == 2
    assert '3,"temp","text","not_a_number","c","warm","fall",' in storage.rejected


def test_a_file_of_bad_rows_alone_is_no_refusal(prepare):
    told, storage = prepare(b"id,temp,season\na,warm,fall\n")

    assert told == {"rows": 0, "refused": 1, "refusal": None}
    assert storage.parts == {}


def parquet():
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"], "temp": [0.3], "season": ["spring"]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(ROWS),
        ROWS.replace(b",", b";"),
        b'{"id": "a", "temp": 0.3, "season": "spring"}\n',
        parquet(),
        b"0.3,spring\n0.4,fall\n",  # no header: the features in the model's order
    ],
    ids=["packed", "semicolons", "json lines", "parquet", "no header"],
)
def test_whatever_can_be_dropped_can_be_answered(prepare, body):
    _, storage = prepare(body)

    assert storage.records[0]["features"] == {"temp": "0.3", "season": "spring"}


def test_a_long_file_is_written_part_by_part(prepare, monkeypatch):
    monkeypatch.setattr(preparing, "PART_BYTES", 10_000)
    body = b"id,temp,season\n" + b"".join(b"%d,0.3,spring\n" % row for row in range(1000))

    told, storage = prepare(body)

    assert told["rows"] == len(storage.records) == 1000
    assert len(storage.parts) == 9
    assert max(map(len, storage.parts.values())) < 10_200
    assert [record["row"] for record in storage.records] == list(range(1, 1001))


@pytest.mark.parametrize(
    ("body", "size", "code"),
    [
        (None, 100, "object_missing"),
        (b"<html>", 100, "not_a_table"),
        (b"id,temp\na,1\n", 100, "contract_missing_column"),
        (ROWS, 2**30, "too_large"),
    ],
)
def test_a_file_that_cannot_be_answered_at_all_is_refused_with_the_reason(prepare, body, size, code):
    told, storage = prepare(body, size=size)

    assert (told["rows"], told["refusal"]["code"]) == (0, code)
    assert storage.parts == {}


def test_the_same_content_is_found_by_the_same_inference_id(prepare):
    first, second, other = (prepare(ROWS, key=key)[1].known["inference_id"] for key in ("a", "a", "b"))

    assert first == second != other
    assert len(first) <= 64


def test_a_model_that_nobody_knows_the_features_of_is_an_error(prepare):
    with pytest.raises(NoBaselineError, match="deploy another"):
        prepare(ROWS, baseline=None)
