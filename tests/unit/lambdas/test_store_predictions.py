import json

import pytest

from headrace.aws.capture import CaptureError
from headrace.aws.log_batch import decode_log_batch
from lambdas.store_predictions.handler import store_predictions
from tests.unit.lambdas.captures import ENDPOINT, log_event, record


class InMemoryStore(dict):
    def put(self, key, body):
        self[key] = body


class Counted(dict):
    def put(self, metrics):
        for name, value in metrics.items():
            self[name] = self.get(name, 0) + value


def store(messages, **event):
    objects, metrics = InMemoryStore(), Counted()
    outcome = store_predictions(decode_log_batch(log_event(messages, **event)), ENDPOINT, objects, metrics)
    return outcome, objects, metrics


def test_a_batch_becomes_one_object_in_the_layout_of_data_capture():
    lines = [record("e1", ["1,2"], ["3"]), record("e2", ["4,5"], ["6"])]

    outcome, objects, metrics = store(lines)

    (key,) = objects
    assert key.startswith("capture/headrace-bike/v3/2026/01/31/10/")
    assert key.endswith(".jsonl")
    assert objects[key].decode().splitlines() == lines
    assert outcome == {"stored": 2, "unreadable": 0}
    assert metrics == {"CapturedRequests": 2, "UnreadableCaptures": 0}


def test_a_batch_that_is_delivered_twice_is_stored_once():
    objects, metrics = InMemoryStore(), Counted()
    batch = decode_log_batch(log_event([record("e1", ["1"], ["2"])]))

    store_predictions(batch, ENDPOINT, objects, metrics)
    store_predictions(batch, ENDPOINT, objects, metrics)

    assert len(objects) == 1


@pytest.mark.parametrize(
    "broken",
    [
        '{"captureData": {"endpointInput": {"data": "1,2',
        '{"captureData": {}}',
        '["captureData"]',
        "7",
        '{"captureData": {"endpointInput": {"data": 7}, "endpointOutput": {"data": ""}}, '
        '"eventMetadata": {"eventId": "e", "inferenceTime": "2026-01-31T10:00:00Z"}}',
        record("e", [], [], time="yesterday"),
        record("e", [], [], data="%%%", encoding="BASE64"),
    ],
)
def test_an_unreadable_line_is_counted_and_the_others_are_stored(broken):
    good = record("e1", ["1"], ["2"])

    outcome, objects, metrics = store([broken, good])

    assert outcome == {"stored": 1, "unreadable": 1}
    assert [json.loads(body) for body in objects.values()] == [json.loads(good)]
    assert metrics["UnreadableCaptures"] == 1


def test_the_log_names_an_unreadable_line_by_its_id_and_repeats_no_value(caplog):
    store(['{"captureData": "the secret is 4711'])

    (line,) = caplog.records
    assert line.events == [{"id": "300000", "why": "the line is not JSON"}]
    assert "4711" not in str(vars(line))


def test_nothing_is_stored_when_no_line_is_readable():
    outcome, objects, _ = store(["captureData"])

    assert outcome == {"stored": 0, "unreadable": 1}
    assert objects == {}


def test_a_control_message_stores_nothing():
    outcome, objects, _ = store(["CWL CONTROL MESSAGE"], message_type="CONTROL_MESSAGE")

    assert outcome == {"stored": 0, "unreadable": 0}
    assert objects == {}


def test_a_log_stream_cannot_lead_out_of_its_folder():
    with pytest.raises(CaptureError, match="named after a variant"):
        store([record("e1", ["1"], ["2"])], stream="../../baselines/v3")
