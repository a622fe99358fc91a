import json
from datetime import UTC, datetime, timedelta

import pytest

from headrace.aws.incoming_files import FileVersion
from headrace.aws.prediction_ledger import Prediction
from lambdas.start_batch.handler import start_announced, start_waiting
from tests.unit.lambdas.answered_files import FakeLedger, file

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Executions:
    """A state machine that notes what it was started with."""

    def __init__(self):
        self.inputs = {}

    def start_once(self, name, input):
        assert len(name) <= 80
        return self.inputs.setdefault(name, input) is input

    @property
    def files(self):
        return [each["file"]["key"] for each in self.inputs.values()]


@pytest.fixture
def executions():
    return Executions()


def announced(dropped, executions, message="m1"):
    return start_announced(json.dumps(dropped.as_event()), message, executions)


def version(name, id="v1", size=10, hours=0):
    return FileVersion(f"batch/{name}", id, size, NOON + timedelta(hours=hours))


def test_a_file_that_is_announced_is_started_with_everything_that_is_known_of_it(executions):
    assert announced(file(), executions)

    ((name, input),) = executions.inputs.items()
    assert name.startswith(f"{file().digest}-")
    assert input["file"] == {
        "bucket": "data",
        "key": "batch/may.csv",
        "version_id": "v1",
        "size_bytes": 100,
        "dropped_at": "2026-01-31T10:00:00Z",
        "sequencer": "",
    }


def test_a_message_that_comes_twice_starts_nothing_a_second_time(executions):
    announced(file(), executions)

    assert not announced(file(), executions)


def test_a_message_that_was_moved_back_from_the_dead_letters_starts_the_file_again(executions):
    announced(file(), executions)

    assert announced(file(), executions, message="m2")


def test_what_an_erasure_has_left_of_a_file_is_not_answered_again(executions):
    message = json.dumps(file().as_event())

    assert not start_announced(message, "m1", executions, lambda file: file.key == "batch/may.csv")
    assert start_waiting("data", [version("may.csv")], FakeLedger(), executions, "r", lambda _: True) == 0
    assert executions.inputs == {}


def test_folders_and_markers_are_no_files(executions):
    for name in ("2024/", "_SUCCESS"):
        assert not announced(file(name, size=0), executions)
    assert executions.inputs == {}


def test_what_is_not_below_batch_is_refused(executions):
    event = file().as_event()
    event["detail"]["object"]["key"] = "incoming/may.csv"

    with pytest.raises(ValueError, match="not under batch/"):
        start_announced(json.dumps(event), "m1", executions)


def test_the_schedule_starts_what_nobody_has_begun_with_in_the_order_of_dropping(executions):
    ledger = FakeLedger()
    ledger.begin(Prediction.begun(file("old.csv"), "e0", "t"))
    versions = [version("late.csv", hours=2), version("old.csv"), version("early.csv", hours=1)]

    started = start_waiting("data", versions, ledger, executions, "request-1")

    assert started == 2
    assert executions.files == ["batch/early.csv", "batch/late.csv"]


def test_the_schedule_starts_the_newest_version_and_none_of_a_file_that_was_deleted(executions):
    versions = [
        version("a.csv", "v2", hours=1),
        version("a.csv", "v1"),
        version("gone.csv", "v1"),
        version("gone.csv", "v2", size=None, hours=1),
    ]

    start_waiting("data", versions, FakeLedger(), executions, "request-1")

    assert [each["file"]["version_id"] for each in executions.inputs.values()] == ["v2"]
