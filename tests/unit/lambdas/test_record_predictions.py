import itertools
import json
from datetime import timedelta

import pandas as pd
import pytest

from headrace.aws.monitor_ledger import OvertakenError
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.profile import profile_frame
from lambdas.record_predictions import recording
from lambdas.record_predictions.handler import record_predictions
from tests.unit.lambdas.captures import record
from tests.unit.lambdas.traffic import NOW, Bucket, Documents, baseline, recording_ports, requests, rows

PIPELINE = Pipeline(name="bike", problem="regression", target="cnt", id="ride")


class Traffic:
    """A pipeline's captured traffic, and what was recorded of it."""

    def __init__(self, documents=None):
        self.bucket = Bucket()
        self.documents = Documents({"baselines/v3/baseline.json": baseline()} | (documents or {}))
        self.ports = recording_ports(self.bucket, self.documents)
        self.write = self.ports.captured.write

    def record(self, *, now=NOW, goes_on=lambda: True):
        self.bucket.now = now
        return record_predictions(PIPELINE, self.ports, now, goes_on)

    @property
    def table(self):
        return self.bucket.table()

    def counts(self, name):
        return sum(profile[name] for profile in self.bucket.profiles())


@pytest.fixture
def traffic():
    return Traffic()


@pytest.fixture
def small_chunks(monkeypatch):
    """Let every chunk be one object."""
    monkeypatch.setattr(recording, "MAX_OBJECTS", 1)


def test_a_row_for_each_prediction_and_a_profile_are_written(traffic):
    traffic.write([record("e1", ["0.3,winter", "0.4,"], [30, 41.5])])

    assert traffic.record() == {"more": False, "rows": 2}
    (key,) = traffic.bucket.below("predictions/")
    assert key.startswith("predictions/variant=v3/date=2026-01-31/")
    assert traffic.table.astype(object).where(traffic.table.notna(), None).to_dict("records") == [
        {
            "_event_id": "e1",
            "_inference_id": None,
            "_row": row,
            "_time": pd.Timestamp("2026-01-31T10:59:58"),
            "_entity": None,
            "_prediction": prediction,
            "_score": float(prediction),
            "temp": temp,
            "season": season,
        }
        for row, prediction, temp, season in [(0, "30", 0.3, "winter"), (1, "41.5", 0.4, None)]
    ]
    (profile,) = traffic.bucket.below("profiles/")
    assert profile.startswith("profiles/v3/2026/01/31/10/")
    assert traffic.ports.table["v3"]["temp"] == "double"


def test_the_index_knows_of_each_file_its_size_its_times_and_the_ids_of_its_requests(traffic):
    traffic.write([record("e1", ["0.3,winter", "0.4,"], [30, 41.5], inference_id="ask-1")])
    traffic.write([record("e2", ["0.3,winter"], [30])], hour="2026/01/31/09", name="b")

    traffic.record()

    index, files = traffic.ports.index, traffic.bucket.below("predictions/")
    assert {key: known.size_bytes for key, known in index.items()} == {
        key: len(body) for key, body in files.items()
    }
    of_two, of_one = sorted(index.values(), key=lambda known: -known.rows)
    assert (of_two.rows, of_one.rows) == (2, 1)
    assert of_two.first == of_two.last == "2026-01-31T10:59:58+00:00"
    assert (of_two.may_have("ask-1"), of_two.may_have("e1"), of_two.may_have("e2")) == (True, True, False)
    assert of_one.may_have("e2")


def test_the_profile_is_that_of_the_rows_in_the_bins_of_the_baseline(traffic):
    frame = rows(400)
    traffic.write(requests(frame))

    traffic.record()

    (document,) = traffic.bucket.profiles()
    read = pd.DataFrame({"temp": [float(f"{cell:.4f}") for cell in frame["temp"]], "season": frame["season"]})
    answers = traffic.table["_score"].tolist()
    expected = profile_frame(
        read,
        [ColumnSchema("temp", "number"), ColumnSchema("season", "category")],
        predictions=answers,
        like=type(profile_frame(read, [])).from_dict(traffic.documents["baselines/v3/baseline.json"]),
    )
    assert document["profile"] == json.loads(json.dumps(expected.as_dict()))
    assert (document["requests"], document["unreadable"], document["duplicates"]) == (40, 0, 0)


def test_the_same_objects_give_the_same_keys_and_the_same_bytes():
    first, second = Traffic(), Traffic()
    for traffic in (first, second):
        traffic.write(requests(rows(100)))
        traffic.write(requests(rows(50), prefix="f"), hour="2026/01/31/09", name="b")
        traffic.record()

    assert dict(first.bucket) == dict(second.bucket)


def test_what_was_recorded_is_not_recorded_again(traffic):
    traffic.write(requests(rows(100)))
    traffic.record()
    before = dict(traffic.bucket)

    assert traffic.record(now=NOW + timedelta(hours=1)) == {"more": False, "rows": 0}
    assert dict(traffic.bucket) == before


def test_work_that_does_not_fit_is_left_for_the_next_call(traffic, small_chunks):
    for name in "abc":
        traffic.write(requests(rows(20), prefix=name), name=name)
    fits = iter([True, False])

    assert traffic.record(goes_on=lambda: next(fits)) == {"more": True, "rows": 20}
    assert traffic.record() == {"more": False, "rows": 40}
    assert len(traffic.table) == 60


@pytest.mark.parametrize("writes_before", range(12))
def test_a_crash_at_any_write_loses_nothing_and_doubles_nothing(small_chunks, writes_before):
    crashing, whole = Traffic(), Traffic()
    for traffic in (crashing, whole):
        traffic.write(requests(rows(20), prefix="a"), name="a")
        traffic.write(requests(rows(30), prefix="b"), name="b", minutes=1)
    countdown = itertools.count(writes_before, -1)
    for port, name in [
        (crashing.ports.progress, "save"),
        (crashing.ports.store, "write_rows"),
        (crashing.ports.store, "write_events"),
        (crashing.ports.store, "write_profile"),
        (crashing.ports.last_prediction, "note"),
    ]:
        _crash_once(port, name, countdown)

    with pytest.raises(ConnectionError):
        crashing.record()
    # More has come by the time of the next run; what was announced is recorded as it was announced.
    for traffic in (crashing, whole):
        traffic.write(requests(rows(10), prefix="c"), name="c", minutes=2)
        traffic.record(now=NOW + timedelta(hours=1))

    assert dict(crashing.bucket) == dict(whole.bucket)
    assert len(crashing.table) == 60


def _crash_once(port, name, countdown):
    original = getattr(port, name)

    def write(*arguments):
        if next(countdown) == 0:
            raise ConnectionError
        return original(*arguments)

    setattr(port, name, write)


def test_a_request_that_comes_again_in_a_later_chunk_counts_once(traffic):
    traffic.write(requests(rows(100)))
    traffic.record()

    traffic.write(requests(rows(100)), name="again", hour="2026/01/31/11", minutes=40)
    traffic.record(now=NOW + timedelta(hours=6))

    assert len(traffic.table) == 100
    assert traffic.counts("duplicates") == 10
    assert traffic.counts("requests") == 10


def test_an_object_that_is_written_again_counts_once(traffic):
    traffic.write(requests(rows(100)))
    traffic.record()
    before = traffic.table

    traffic.write(requests(rows(100)), minutes=60)
    traffic.record(now=NOW + timedelta(hours=2))

    assert traffic.table.equals(before)


def test_a_request_twice_in_one_chunk_counts_once_even_in_two_hours(traffic):
    traffic.write(requests(rows(100)), hour="2026/01/31/09")
    traffic.write(requests(rows(100)), hour="2026/01/31/10")
    traffic.write(requests(rows(100)), hour="2026/01/31/10", name="b")

    traffic.record()

    assert len(traffic.table) == 100
    assert traffic.counts("duplicates") == 20


def test_an_object_that_arrives_a_day_late_is_recorded_under_its_hour(traffic):
    traffic.write(requests(rows(20)))
    traffic.record()

    traffic.write(requests(rows(30), prefix="late"), hour="2026/01/30/11", name="late", minutes=25)
    traffic.record(now=NOW + timedelta(hours=1))

    assert len(traffic.table) == 50
    assert any(key.startswith("profiles/v3/2026/01/30/11/") for key in traffic.bucket)
    assert any(key.startswith("predictions/variant=v3/date=2026-01-30/") for key in traffic.bucket)


def test_traffic_of_an_earlier_model_is_recorded_with_its_own_baseline(traffic):
    traffic.documents["baselines/v2/baseline.json"] = baseline()
    traffic.write(requests(rows(20)))
    traffic.write(requests(rows(30), prefix="old"), variant="v2")

    traffic.record()

    assert len(traffic.bucket.table("v2")) == 30
    assert len(traffic.bucket.profiles("v2")) == 1


def test_a_variant_without_a_baseline_waits_for_one_and_is_then_recorded_without_a_profile(traffic):
    lines = [record("e1", ["0.3,winter"], [30])]
    traffic.write(lines, variant="v4")

    assert traffic.record()["rows"] == 0
    assert traffic.record(now=NOW + timedelta(hours=24))["rows"] == 1
    assert traffic.bucket.table("v4")[["_event_id", "_row", "_prediction", "_score"]].values.tolist() == [
        ["e1", 0, "30", 30.0]
    ]
    assert traffic.bucket.profiles("v4") == []


def test_of_a_variant_without_a_baseline_what_is_young_still_waits_when_the_old_is_recorded(traffic):
    traffic.write(requests(rows(10), prefix="old"), variant="v4", name="a")
    traffic.write(requests(rows(20), prefix="young"), variant="v4", name="b", minutes=300)
    day = timedelta(hours=24)

    assert traffic.record(now=NOW + day)["rows"] == 10
    traffic.documents["baselines/v4/baseline.json"] = baseline()
    assert traffic.record(now=NOW + day + timedelta(minutes=1))["rows"] == 20


def test_records_that_cannot_be_read_are_counted_and_do_not_hide_the_others(traffic):
    odd = [
        "{",
        "[" * 100_000,
        "[1]",
        record("x1", ["1,2,3,4"], ["5"]),
        record("x2", ["0.1,winter"], ["5", "6"]),
        record("x3", [], ["5"], content_type="application/json", data='{"columns": 5, "data": [[1]]}'),
        record("x4", [], ["5"], content_type="application/json", data='{"instances": 5}'),
        record("x5", [], ["5"], content_type="application/json", data='["\\ud800"]'),
        record("x7", ["0.1,winter"], ["5"]).replace('"eventId"', '"firstRow": -1, "eventId"'),
        record("x6", ['"' + "y" * 7_000_000 + '",winter'], ["5"]),
    ]
    traffic.write([*requests(rows(200)), *odd])

    traffic.record()

    assert len(traffic.table) == 200
    assert traffic.counts("unreadable") == len(odd)


def test_bytes_that_are_no_text_are_counted(traffic):
    key = "capture/headrace-bike/v3/2026/01/31/10/a.jsonl"
    traffic.write([])
    traffic.ports.captured[key] = b"\xff\xfe\n" + requests(rows(10))[0].encode()

    traffic.record()

    assert (traffic.counts("unreadable"), traffic.counts("requests")) == (1, 1)


def test_a_huge_request_is_a_chunk_of_its_own(traffic, monkeypatch):
    monkeypatch.setattr(recording, "MAX_BYTES", 10_000)
    frame = rows(5000)
    traffic.write(requests(frame, rows_each=5000), name="a")
    traffic.write(requests(rows(10), prefix="b"), name="b", minutes=1)

    traffic.record()

    assert len(traffic.bucket.below("predictions/")) == 2
    assert traffic.table.groupby("_event_id")["_row"].max().to_dict() == {"e0": 4999, "b0": 9}


def test_a_run_that_is_overtaken_says_that_there_is_more(traffic):
    traffic.write(requests(rows(20)))
    save = traffic.ports.progress.save

    def overtaken(variant, progress):
        traffic.ports.progress.save = save
        raise OvertakenError("another run has moved on")

    traffic.ports.progress.save = overtaken

    assert traffic.record() == {"more": True, "rows": 0}
    assert traffic.record() == {"more": False, "rows": 20}


def test_a_run_that_lags_behind_another_one_writes_what_that_one_wrote(traffic, small_chunks):
    """The other run records a second chunk, with the same requests, while this one still is at the first."""
    traffic.write(requests(rows(20)), name="a")
    traffic.write(requests(rows(20)), name="b", minutes=1)
    read = traffic.ports.captured.read

    def other_run_goes_first(keys):
        traffic.ports.captured.read = read
        traffic.record()
        return read(keys)

    traffic.ports.captured.read = other_run_goes_first

    assert traffic.record()["more"] is True
    assert len(traffic.table) == 20


def test_rows_of_a_request_that_was_captured_in_parts_have_their_place_in_the_request(traffic):
    parts = [json.loads(record(f"e{first}", ["0.3,winter", "0.4,spring"], [30, 41])) for first in (0, 2, 4)]
    for part, first in zip(parts, (0, 2, 4), strict=True):
        part["eventMetadata"] |= {"inferenceId": "ride-7", "firstRow": first}
    traffic.write(map(json.dumps, reversed(parts)))

    traffic.record()

    table = traffic.table.sort_values("_row")
    assert table["_row"].tolist() == [0, 1, 2, 3, 4, 5]
    assert set(table["_inference_id"]) == {"ride-7"}


def test_rows_are_in_the_order_of_time_whatever_form_their_requests_have(traffic):
    as_json = '{"instances": [{"season": "winter", "temp": 0.2}]}'
    traffic.write(
        [
            record("e3", ["0.3,winter"], [3], time="2026-01-31T10:00:03Z"),
            record("e2", [], [2], content_type="application/json", data=as_json, time="2026-01-31T10:00:02Z"),
            record("e1", ["temp,season", "0.1,winter"], [1], time="2026-01-31T10:00:01Z"),
            record("e4", ['0.4,"winter"', "0.5,"], [4, 5], time="2026-01-31T10:00:04Z"),
        ]
    )

    traffic.record()

    table = traffic.table
    assert table["_score"].tolist() == [1, 2, 3, 4, 5]
    assert table["temp"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert table["_event_id"].tolist() == ["e1", "e2", "e3", "e4", "e4"]
    assert table["season"].fillna("").tolist() == ["winter"] * 4 + [""]


def test_the_id_of_a_row_is_kept_if_the_request_carries_it(traffic):
    named = [record("e1", ["ride,temp,season", "17,0.3,winter", ",0.4,spring"], [30, 41])]
    as_json = '{"instances": [{"season": "winter", "ride": 18, "temp": 0.3}]}'
    traffic.write([*named, record("e2", [], [30], content_type="application/json", data=as_json)])

    traffic.record()

    assert traffic.table["_entity"].fillna("nobody").tolist() == ["17", "nobody", "18"]


@pytest.mark.parametrize(
    ("answer", "content_type", "score"),
    [
        ("no,0.75\n", "text/csv", 0.25),
        ("yes,0.75\n", "text/csv", 0.75),
        (
            '{"predictions": [{"label": "no", "probabilities": {"yes": 0.2, "no": 0.8}}]}',
            "application/json",
            0.2,
        ),
    ],
)
def test_the_score_of_two_labels_is_the_probability_of_the_second(answer, content_type, score):
    labels = profile_frame(
        pd.DataFrame({"temp": [0.1]}), [ColumnSchema("temp", "number")], predictions=["no"]
    )
    traffic = Traffic({"baselines/v3/baseline.json": labels.as_dict() | {"classes": ["no", "yes"]}})
    asked = json.loads(record("e1", ["0.3"], []))
    asked["captureData"]["endpointOutput"] |= {"data": answer, "observedContentType": content_type}
    traffic.write([json.dumps(asked)])

    traffic.record()

    assert traffic.table["_score"].tolist() == pytest.approx([score])


def test_captured_rows_are_cleaned_as_the_endpoint_cleaned_them():
    schema = (ColumnSchema("rent", "number"), ColumnSchema("since_month", "number"))
    steps = (
        DeclaredStep("parse_numbers", ("rent",), {"decimal": ","}),
        DeclaredStep("calendar", ("since",), {"parts": ["month"]}),
    )
    reference = profile_frame(pd.DataFrame({"rent": [900.5, 910.5], "since_month": [6.0, 7.0]}), schema)
    cleaning = {"cleaning": [step.as_dict() for step in steps]}
    traffic = Traffic({"baselines/v3/baseline.json": reference.as_dict() | cleaning})
    traffic.write([record("e1", ['"910,5",2025-06-15', '"900,5",2025-07-15'], [1.0, 2.0])])

    traffic.record()

    (document,) = traffic.bucket.profiles()
    assert [column["mean"] for column in document["profile"]["features"]] == [905.5, 6.5]
    assert traffic.table[["rent", "since_month"]].values.tolist() == [[910.5, 6.0], [900.5, 7.0]]


def test_the_time_of_the_last_answer_is_noted(traffic):
    traffic.write([record("e1", ["0.3,winter"], [30], time="2026-01-31T10:15:00Z")])
    traffic.write([record("e2", ["0.3,winter"], [30], time="2026-01-31T09:15:00Z")], hour="2026/01/31/09")

    traffic.record()

    assert f"{traffic.ports.last_prediction.at:%H:%M}" == "10:15"
