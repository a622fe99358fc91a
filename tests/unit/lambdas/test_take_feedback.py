"""Labels of a call with fakes of everything outside."""

import json
from datetime import UTC, datetime

import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema, Contract
from lambdas.take_feedback import handler as take_feedback
from lambdas.take_feedback.taking import Ports

PIPELINE = Pipeline(name="churn", problem="binary", target="churned", id="customer", feedback={})
CONTRACT = Contract("binary", (ColumnSchema("churned", "category", "target", allowed=("0", "1")),))


class Contracts:
    def load(self):
        return CONTRACT


class Labels(dict):
    def put(self, key, body):
        self[key] = body


@pytest.fixture
def stored(monkeypatch):
    stored = Labels()
    dependencies = PIPELINE, PIPELINE.feedback, Ports(Contracts(), stored)
    monkeypatch.setattr(take_feedback, "_deps", lambda: dependencies)
    return stored


def request(body, method="POST", **more):
    return {"requestContext": {"http": {"method": method}}, "body": body, **more}


def test_a_call_is_answered_record_by_record(stored):
    records = [{"inference_id": "a", "label": 1}, {"inference_id": "b", "label": "maybe"}, {"label": [1]}]

    answer = take_feedback.handler({"labels": records}, None)

    assert (answer["status"], answer["accepted"], answer["refused"]) == (200, 1, 2)
    assert [(each["status"], each.get("field"), each.get("reason")) for each in answer["records"]] == [
        ("accepted", None, None),
        ("refused", "label", "unknown_label"),
        ("refused", None, "broken_row"),
    ]
    assert "maybe" not in json.dumps(answer)


def test_labels_are_stored_before_the_answer_whatever_becomes_of_them(stored):
    records = [{"inference_id": "a", "label": 1, "labelled_at": "2026-01-31"}, {"label": 0}]

    answer = take_feedback.handler({"labels": records}, None)

    ((key, body),) = stored.items()
    assert key == answer["stored_as"]
    assert key.startswith(f"feedback/api/{datetime.now(UTC):%Y/%m}/")
    assert [json.loads(line) for line in body.splitlines()] == records


def test_a_call_that_is_repeated_is_stored_under_the_same_name(stored):
    now = datetime(2026, 1, 31, 10, tzinfo=UTC)
    event = {"labels": [{"inference_id": "a", "label": 1}]}

    assert take_feedback.answer(event, now) == take_feedback.answer(event, now)
    assert len(stored) == 1


def test_a_request_by_https_is_a_call(stored):
    answer = take_feedback.handler(request('{"labels": [{"inference_id": "a", "label": 1}]}'), None)

    assert (answer["statusCode"], json.loads(answer["body"])["accepted"]) == (200, 1)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (request("{"), "not JSON"),
        (request("{}", method="GET"), "by POST"),
        (request('{"labels": []}'), "one record at least"),
        (request('[{"inference_id": "a"}]'), "one record at least"),
        (request('{"labels": [1]}'), "an object"),
        (request(json.dumps({"labels": [{}] * 10_001})), "10000 records"),
        (request('{"labels": [{"id": "a", "label": 1}]}'), "no 'inference_id'"),
        (request("AAAA", isBase64Encoded=True), "not JSON"),
    ],
)
def test_a_call_that_cannot_be_used_is_refused_with_the_reason(stored, event, says):
    answer = take_feedback.handler(event, None)

    assert answer["statusCode"] == 400
    assert says in json.loads(answer["body"])["error"]
    assert stored == {}
