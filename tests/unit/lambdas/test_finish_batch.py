import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from headrace.aws.capture import parse_capture
from headrace.aws.captured_rows import read_answers
from headrace.aws.prediction_ledger import Prediction
from headrace.config.pipeline import Pipeline
from lambdas.finish_batch.finishing import (
    Answered,
    AnswersMissingError,
    Ports,
    fail_batch,
    finish_batch,
    refuse_batch,
)
from tests.unit.lambdas.answered_files import FakeLedger, file

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
KNOWN = {
    "rows": 2,
    "refused": {"rows": 0},
    "beside": ["id"],
    "id": "id",
    "classes": [],
    "inference_id": "batch-1",
}


def answer(row, id):
    return {
        "row": row,
        "features": {"temp": "0.3"},
        "kept": {"id": id},
        "SageMakerOutput": {"score": float(row)},
    }


class Cloud:
    """Everything that finishing writes to, and the folder that it reads."""

    def __init__(self, answers=(), **known):
        self.known, self._answers = {**KNOWN, **known}, answers
        self.ledger, self.metrics, self.events, self.letters = FakeLedger(), [], [], []
        self.written, self.captured = {}, {}
        self.prediction = Prediction.begun(file(), "e1", NOON.isoformat())
        self.ledger.begin(self.prediction)
        self.ports = Ports(
            self,
            _Captures(self.captured),
            self.ledger,
            _Events(self.events),
            _Metrics(self.metrics),
            _Letters(self.letters),
        )
        self.answered = Answered(file(), self.prediction, "v3", NOON)

    def prepared(self):
        return self.known

    def fetch_rejected(self, path):
        path.write_text("rejected")

    def answers(self):
        return iter(self._answers)

    def keep(self, file, predictions, rejected, summary):
        assert not self.written
        rejected = rejected.read_text() if rejected else None
        self.written = {predictions.name: predictions.read_text(), "rejected": rejected, "summary": summary}
        return "s3://data/predictions/may.csv/"

    def keep_refusal(self, file, summary):
        self.written = {"summary": summary}
        return "s3://data/predictions/may.csv/"


class _Captures:
    def __init__(self, objects):
        self.objects = objects

    def put(self, key, body):
        self.objects[key] = body


class _Events:
    def __init__(self, events):
        self.events = events

    def put(self, kind, detail):
        self.events.append((kind, detail))


class _Metrics:
    def __init__(self, metrics):
        self.metrics = metrics

    def put(self, metrics):
        self.metrics.append(metrics)


class _Letters:
    def __init__(self, letters):
        self.letters = letters

    def put(self, file):
        self.letters.append(file)


@pytest.fixture
def finish(tmp_path):
    def finish(cloud, **endpoint):
        fields = {"name": "bike", "problem": "regression", "target": "cnt", "id": "id"}
        pipeline = Pipeline.model_validate({**fields, "endpoint": {"kind": "batch", **endpoint}})
        return finish_batch(cloud.answered, pipeline, cloud, cloud.ports, tmp_path)

    return finish


def test_answers_are_joined_to_the_ids_and_summed_up(finish):
    cloud = Cloud([answer(1, "a"), answer(3, "c")], refused={"rows": 1, "counts": []})

    told = finish(cloud)

    assert cloud.written["predictions.csv"] == "id,prediction\na,1.0\nc,3.0\n"
    assert cloud.written["rejected"] == "rejected"
    assert cloud.written["summary"] == {
        "file": "batch/may.csv",
        "version_id": "v1",
        "dropped_at": "2026-01-31T10:00:00Z",
        "model_version": "v3",
        "answered_at": "2026-01-31T12:00:00+00:00",
        "rows": 2,
        "refused": {"rows": 1, "counts": []},
        "predictions": "predictions.csv",
        "inference_id": "batch-1",
    }
    assert (told["state"], told["rows"], told["refused_rows"]) == ("predicted", 2, 1)


def test_it_is_written_down_counted_and_announced(finish):
    cloud = Cloud([answer(1, "a"), answer(2, "b")])

    finish(cloud)

    ended = cloud.ledger.find(file())
    assert (ended.state, ended.rows, ended.variant) == ("predicted", 2, "v3")
    assert cloud.ledger.waiting() == []
    assert cloud.metrics == [{"BatchRowsPredicted": 2, "BatchRowsRefused": 0, "BatchFilesRefused": 0}]
    ((kind, detail),) = cloud.events
    assert (kind, detail["file"], detail["result"]) == ("BatchPredicted", "batch/may.csv", ended.result)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([answer(1, "a")], "1 answers have come for 2 records"),
        ([answer(2, "b"), answer(1, "a")], "not in the order"),
        ([answer(1, "a"), answer(1, "a")], "not in the order"),
    ],
)
def test_answers_that_are_missing_are_no_result(finish, answers, says):
    cloud = Cloud(answers)

    with pytest.raises(AnswersMissingError, match=says):
        finish(cloud)
    assert cloud.written == {}
    assert cloud.ledger.waiting() == [cloud.prediction]


def test_a_file_without_a_row_that_can_be_answered_has_a_result_without_rows(finish):
    cloud = Cloud(rows=0)

    assert finish(cloud)["rows"] == 0
    assert cloud.written["predictions.csv"] == "id,prediction\n"


def test_what_is_captured_lies_where_the_endpoints_captures_lie(finish):
    cloud = Cloud([answer(row, "a") for row in range(1, 20_001)], rows=20_000)

    finish(cloud)

    assert {key.rpartition("/")[0] for key in cloud.captured} == {"capture/headrace-bike/v3/2026/01/31/12"}
    captures = [parse_capture(line) for body in cloud.captured.values() for line in body.splitlines()]
    assert sum(len(read_answers(each).predictions) for each in captures) == 20_000


def test_what_is_captured_is_a_share_if_the_pipeline_says_so(finish):
    cloud = Cloud([answer(row, "a") for row in range(1, 20_001)], rows=20_000)

    finish(cloud, capture_share=0.2)

    assert 0 < sum(body.count(b"\n") for body in cloud.captured.values()) < 50


def test_finishing_again_writes_the_same(finish):
    first, second = (Cloud([answer(1, "a"), answer(2, "b")]) for _ in range(2))

    finish(first)
    finish(second)

    assert (first.written, first.captured) == (second.written, second.captured)


@pytest.mark.parametrize(("format", "name"), [("jsonlines", "predictions.jsonl")])
def test_the_format_is_the_pipelines(finish, format, name):
    cloud = Cloud([answer(1, "a"), answer(2, "b")])

    finish(cloud, batch={"format": format})

    assert json.loads(cloud.written[name].splitlines()[0]) == {"id": "a", "prediction": 1.0}


def test_a_file_that_is_refused_whole_says_why():
    cloud = Cloud()

    refuse_batch(cloud.answered, {"code": "not_a_table", "why": "the file is a web page"}, cloud.ports)

    assert cloud.written["summary"]["refused_whole"] == "not_a_table"
    assert cloud.ledger.find(file()).why == "the file is a web page"
    assert cloud.metrics[0]["BatchFilesRefused"] == 1


def test_a_failure_is_written_down_and_the_file_waits_with_the_dead_letters():
    cloud = Cloud()
    error = {"Error": "States.TaskFailed", "Cause": "the job has failed"}

    told = fail_batch(file(), cloud.prediction, error, cloud.ports, NOON)

    assert told == {"why": "States.TaskFailed: the job has failed"}
    assert asdict(cloud.ledger.find(file()))["state"] == "failed"
    assert cloud.letters == [file()]
    assert cloud.ledger.waiting() == []
    assert cloud.written == {}
