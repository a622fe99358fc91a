from datetime import UTC, datetime

import pytest

from headrace.aws.capture import parse_capture
from headrace.aws.captured_rows import read_answers, read_rows
from headrace.ml.batch.captures import Capturing

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def record(row, cell="0.3", **kept):
    return {
        "row": row,
        "features": {"temp": cell},
        **({"kept": kept} if kept else {}),
        "SageMakerOutput": {"score": float(row)},
    }


def captures(records, share=1.0, id=None, inference_id="batch-1"):
    events = Capturing(inference_id, "v3", NOON, share, id).events(records)
    return [parse_capture(line.encode()) for _, line in events]


def test_what_is_captured_is_read_as_the_requests_of_endpoints_are():
    (capture,) = captures([record(1, id="a", name="Ann"), record(2, "0.4", id="b", name="Bo")], id="id")

    assert (capture.inference_id, capture.time, capture.first_row) == ("batch-1", NOON, 0)
    assert read_rows(capture, ["temp"], beside=["id", "name"]) == {
        "temp": ["0.3", "0.4"],
        "id": ["a", "b"],
        "name": [None, None],
    }
    assert read_answers(capture).predictions == ["1.0", "2.0"]


def test_rows_keep_their_places_in_the_file():
    found = captures([record(row) for row in (*range(1, 451), 460, 461)])

    places = [
        capture.first_row + place
        for capture in found
        for place in range(len(read_answers(capture).predictions))
    ]
    assert places == [*range(450), 459, 460]
    assert len(found) == 4


def test_an_event_is_not_larger_than_a_line_of_a_log_may_be():
    found = captures([record(row, "x" * 30_000) for row in range(1, 11)] + [record(11, "x" * 300_000)])

    assert [len(read_answers(capture).predictions) for capture in found] == [3, 3, 3, 1]


def test_the_same_file_gives_the_same_events():
    records = [record(row) for row in range(1, 500)]

    first, second = captures(records), captures(records)
    assert [each.event_id for each in first] == [each.event_id for each in second]
    other = captures(records, inference_id="batch-2")
    assert {each.event_id for each in first}.isdisjoint(each.event_id for each in other)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_about_the_share_that_is_asked_for_is_captured(share):
    found = captures([record(row) for row in range(1, 100_001)], share=share)

    assert len(found) == pytest.approx(500 * share, abs=50)
