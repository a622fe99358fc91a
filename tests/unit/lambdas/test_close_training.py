import json
from datetime import UTC, datetime

import pytest

from headrace.config.pipeline import Pipeline
from lambdas.close_training.handler import Ports, close_training

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
GUARD = {
    "reason": "drift",
    "run": "headrace-bike-1",
    "started_at": "2026-01-31T11:00:00+00:00",
    "retraining": True,
}
SNAPSHOT = {"content_hash": "h2", "upto": "f9", "rows_seen": 1000}


class FakeLog:
    def __init__(self, *, rows=1000, last=None):
        self._rows, self._last, self.released, self.drift_done = rows, last, [], False

    def last(self):
        return self._last

    def record(self, training):
        self._last = training

    def release(self, kind, execution):
        self.released.append((kind, execution))

    def drift_training_is_done(self):
        self.drift_done = True

    def rows(self):
        return self._rows


class Batches:
    """The times when batches were accepted."""

    def __init__(self, *times):
        self._times = times

    def any_since(self, moment):
        return any(datetime.fromisoformat(time) >= moment for time in self._times)


class Recorder:
    def __init__(self):
        self.calls = []

    def put(self, *args, **kwargs):
        self.calls.append((args, kwargs))


@pytest.fixture
def pipeline():
    return Pipeline(name="bike", problem="regression", target="cnt")


def close(pipeline, log, outcome="registered", batches=None, **event):
    events, metrics = Recorder(), Recorder()
    whole = {
        "execution": "e1",
        "outcome": outcome,
        "guard": GUARD,
        "snapshot": SNAPSHOT,
        "why": "rmse 42",
        "metrics": {"rmse": 42.0},
        "model_package_arn": "arn",
        "error": {},
        **event,
    }
    result = close_training(whole, pipeline, Ports(log, batches or Batches(), events, metrics), NOW)
    return result, [args for args, _ in events.calls], [args[0] for args, _ in metrics.calls]


def test_a_registered_model_answers_the_alarm_and_frees_the_lock(pipeline):
    log = FakeLog()

    result, events, metrics = close(pipeline, log)

    assert (result["outcome"], result["reason"]) == ("registered", "drift")
    assert log.drift_done
    assert log.released == [("training", "e1")]
    assert [name for name, _ in events] == ["TrainingFinished"]
    assert metrics == [{"TrainingSucceeded": 1}, {"ModelQuality": 42.0}]


def test_what_was_learned_is_written_down(pipeline):
    log = FakeLog()

    close(pipeline, log)

    last = log.last()
    assert (last.content_hash, last.upto, last.rows_seen) == ("h2", "f9", 1000)
    assert last.has_model
    assert last.retraining


def test_a_kept_champion_answers_the_alarm_too(pipeline):
    log = FakeLog()

    _, _, metrics = close(pipeline, log, "kept_champion")

    assert log.drift_done
    assert metrics == [{"TrainingKeptChampion": 1}]


def test_a_failure_leaves_the_alarm_pending_and_forgets_nothing_that_was_learned_before(pipeline):
    log = FakeLog()
    close(pipeline, log)
    log.drift_done = False

    close(pipeline, log, "failed", snapshot={}, error={"Error": "States.TaskFailed", "Cause": "no"})

    assert not log.drift_done
    assert log.last().content_hash == "h2"
    assert log.last().rows_seen == 1000
    assert log.last().has_model


def test_a_failed_job_is_told_by_its_own_reason(pipeline):
    cause = json.dumps({"TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: no rows"})

    result, _, _ = close(pipeline, FakeLog(), "failed", error={"Error": "States.TaskFailed", "Cause": cause})

    assert result["why"] == "States.TaskFailed: AlgorithmError: no rows"


def test_a_failure_before_the_guard_answered_still_frees_the_lock(pipeline):
    log = FakeLog()

    close(pipeline, log, "failed", guard={}, snapshot={}, error={"Error": "E", "Cause": "c"})

    assert log.released == [("training", "e1")]


def test_data_that_came_during_the_first_training_asks_for_another(pipeline):
    log = FakeLog(rows=1200)

    _, events, _ = close(pipeline, log, guard={**GUARD, "reason": "new_data", "retraining": False})

    assert events[-1] == ("TrainingWanted", {"reason": "new_data", "missed_by": "e1"})


def test_data_that_came_during_a_retraining_waits_for_its_reason(pipeline):
    _, events, _ = close(pipeline, FakeLog(rows=1200))

    assert [name for name, _ in events] == ["TrainingFinished"]


def test_data_that_came_during_a_retraining_trains_where_new_data_is_a_reason():
    eager = Pipeline(name="bike", problem="regression", target="cnt", retraining={"on": ["new_data"]})

    _, events, _ = close(eager, FakeLog(rows=1200))

    assert [name for name, _ in events] == ["TrainingFinished", "TrainingWanted"]


def test_a_failed_training_never_asks_for_another(pipeline):
    failed = {"guard": {**GUARD, "retraining": False}, "error": {"Error": "E", "Cause": "c"}}

    _, events, _ = close(pipeline, FakeLog(rows=9000), "failed", **failed)

    assert [name for name, _ in events] == ["TrainingFinished"]


BATCHES = Pipeline(
    name="bike",
    problem="regression",
    target="cnt",
    retraining={"on": ["new_data"]},
    arrival={"train": "batch"},
)


@pytest.mark.parametrize(
    ("accepted_at", "follows"), [("2026-01-31T10:59:00+00:00", False), ("2026-01-31T11:30:00+00:00", True)]
)
def test_a_batch_that_was_accepted_while_a_training_ran_asks_for_another(accepted_at, follows):
    _, events, _ = close(BATCHES, FakeLog(rows=1200), batches=Batches(accepted_at))

    assert ("TrainingWanted" in [name for name, _ in events]) is follows


def test_files_of_a_batch_that_is_not_complete_ask_for_nothing():
    _, events, _ = close(BATCHES, FakeLog(rows=1200))

    assert [name for name, _ in events] == ["TrainingFinished"]


def test_what_came_during_a_scheduled_training_waits_for_the_next():
    scheduled = Pipeline(
        name="bike",
        problem="regression",
        target="cnt",
        retraining={"on": ["new_data", "schedule"]},
        arrival={"train": "schedule", "schedule": "rate(1 day)"},
    )

    _, events, _ = close(scheduled, FakeLog(rows=1200))

    assert [name for name, _ in events] == ["TrainingFinished"]
