import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from headrace.aws.alarm_cases import AlarmCase
from headrace.config.pipeline import Pipeline
from lambdas.close_training.handler import Ports, close_training
from tests.unit.lambdas.training_ledger import FakeCases, FakeHistory, FakeLog

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-bike/4"
GUARD = {
    "reason": "drift",
    "run": "headrace-bike-1",
    "started_at": "2026-01-31T11:00:00+00:00",
    "retraining": True,
    "cause": {"alarm": "bike-DriftAlarm", "about": "temp season"},
    "champion": {"version": 3},
}
DRIFT = AlarmCase("drift", GUARD["started_at"], "bike-DriftAlarm", "temp season", in_vain=1)
SNAPSHOT = {"content_hash": "h2", "upto": "f9", "rows_seen": 1000}


class Jobs:
    """Jobs that ran for a while, or of which SageMaker does not tell."""

    def __init__(self, seconds=360, of_tuning=None, saved=0):
        self._seconds, self._of_tuning, self._saved = seconds, of_tuning or {}, saved

    def saved_seconds(self, run):
        return self._saved

    def billable_seconds(self, run, now, *, tuning=""):
        if tuning:
            return self._of_tuning[tuning]
        if self._seconds is None:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Describe")
        return self._seconds


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


def close(pipeline, log, outcome="registered", batches=None, cases=None, history=None, jobs=None, **event):
    events, metrics = Recorder(), Recorder()
    whole = {
        "execution": "e1",
        "outcome": outcome,
        "guard": GUARD,
        "snapshot": SNAPSHOT,
        "why": "rmse 42",
        "metrics": {"rmse": 42.0},
        "model_package_arn": ARN,
        "error": {},
        **event,
    }
    ports = Ports(
        log,
        FakeCases() if cases is None else cases,
        FakeHistory() if history is None else history,
        jobs or Jobs(),
        batches or Batches(),
        events,
        metrics,
    )
    result = close_training(whole, pipeline, ports, NOW)
    return result, [args for args, _ in events.calls], [args[0] for args, _ in metrics.calls]


def test_a_registered_model_frees_the_lock_and_everybody_is_told(pipeline):
    log = FakeLog(rows=1000)

    result, events, metrics = close(pipeline, log)

    assert (result["outcome"], result["reason"]) == ("registered", "drift")
    assert log.released == [("training", "e1")]
    assert [name for name, _ in events] == ["TrainingFinished"]
    assert metrics == [{"TrainingSucceeded": 1}, {"ModelQuality": 42.0}, {"TrainingCost": 0.01152}]


def test_a_registered_model_answers_every_alarm_and_waits_for_its_first_verdict(pipeline):
    later = AlarmCase("quality", "2026-01-31T11:30:00+00:00", "bike-QualityAlarm")
    cases = FakeCases(DRIFT, later)

    close(pipeline, FakeLog(rows=1000), cases=cases)

    assert [(case.awaits, case.in_vain) for case in cases.values()] == [(ARN, 1), (ARN, 0)]


@pytest.mark.parametrize("outcome", ["kept_champion", "failed"])
def test_a_training_without_a_new_model_was_in_vain(pipeline, outcome):
    cases = FakeCases(DRIFT)

    _, _, metrics = close(
        pipeline, FakeLog(rows=1000), outcome, cases=cases, error={"Error": "E", "Cause": "c"}
    )

    assert (cases["drift"].in_vain, cases["drift"].awaits) == (2, None)
    assert metrics[-1] == {"RetrainingsInVain": 2}


def test_an_alarm_that_came_while_it_trained_does_not_count_what_did_not_mean_it(pipeline):
    cases = FakeCases(AlarmCase("quality", "2026-01-31T11:30:00+00:00", "bike-QualityAlarm"))

    close(pipeline, FakeLog(rows=1000), "kept_champion", cases=cases)

    assert cases["quality"].in_vain == 0


def test_a_training_that_is_closed_twice_counts_once(pipeline):
    cases, history = FakeCases(DRIFT), FakeHistory()

    for _ in range(2):
        close(pipeline, FakeLog(rows=1000), "kept_champion", cases=cases, history=history)

    assert cases["drift"].in_vain == 2
    assert len(history.trainings) == 1


def test_the_first_model_answers_no_alarm(pipeline):
    cases = FakeCases(DRIFT)

    close(pipeline, FakeLog(rows=1000), cases=cases, guard={**GUARD, "retraining": False})

    assert cases["drift"] == DRIFT


def test_the_history_says_why_it_trained_how_it_ended_and_what_it_cost(pipeline):
    history = FakeHistory()

    close(pipeline, FakeLog(rows=1000), history=history)

    (training,) = history.trainings
    assert (training.reason, training.because) == ("drift", "temp season")
    assert (training.outcome, training.champion, training.version) == ("registered", 3, 4)
    assert (training.started_at, training.finished_at) == (GUARD["started_at"], NOW.isoformat())
    assert (training.seconds, training.cost_usd) == (360, pytest.approx(360 / 3600 * 0.1152))


def test_the_price_in_the_pipeline_file_is_the_one_that_counts():
    dear = Pipeline(name="bike", problem="regression", target="cnt", training={"usd_per_hour": 100})

    _, _, metrics = close(dear, FakeLog(rows=1000))

    assert {"TrainingCost": 10.0} in metrics


def test_a_training_of_an_unknown_price_has_no_cost(pipeline):
    exotic = Pipeline(
        name="bike", problem="regression", target="cnt", training={"instance": "ml.trn1.2xlarge"}
    )
    history = FakeHistory()

    _, _, metrics = close(exotic, FakeLog(rows=1000), history=history)

    assert history.trainings[0].cost_usd is None
    assert not any("TrainingCost" in metric for metric in metrics)


def test_jobs_of_which_sagemaker_does_not_tell_do_not_keep_the_lock(pipeline):
    log, history = FakeLog(rows=1000), FakeHistory()

    close(pipeline, log, history=history, jobs=Jobs(None))

    assert log.released == [("training", "e1")]
    assert (history.trainings[0].seconds, history.trainings[0].cost_usd) == (None, None)


def test_what_was_learned_is_written_down(pipeline):
    log = FakeLog(rows=1000)

    close(pipeline, log)

    last = log.last()
    assert (last.content_hash, last.upto, last.rows_seen) == ("h2", "f9", 1000)
    assert last.has_model
    assert last.retraining


def test_a_failure_forgets_nothing_that_was_learned_before(pipeline):
    log = FakeLog(rows=1000)
    close(pipeline, log)

    close(pipeline, log, "failed", snapshot={}, error={"Error": "States.TaskFailed", "Cause": "no"})

    assert log.last().content_hash == "h2"
    assert log.last().rows_seen == 1000
    assert log.last().has_model


def test_a_failed_job_is_told_by_its_own_reason(pipeline):
    cause = json.dumps({"TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: no rows"})

    result, _, _ = close(
        pipeline, FakeLog(rows=1000), "failed", error={"Error": "States.TaskFailed", "Cause": cause}
    )

    assert result["why"] == "States.TaskFailed: AlgorithmError: no rows"


def test_a_failure_before_the_guard_answered_still_frees_the_lock(pipeline):
    log = FakeLog(rows=1000)

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


@pytest.mark.parametrize(("rows", "follows"), [(1499, False), (1500, True)])
def test_as_many_rows_as_are_a_reason_by_themselves_ask_for_another(rows, follows):
    by_rows = Pipeline(name="bike", problem="regression", target="cnt", retraining={"new_rows": 500})

    _, events, _ = close(by_rows, FakeLog(rows=rows))

    assert ("TrainingWanted" in [name for name, _ in events]) is follows


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


def test_a_search_costs_what_all_its_trials_cost_and_is_remembered(pipeline):
    tuning = {
        "job": "bike-t9p1c00",
        "strategy": "random",
        "trials": "6",
        "best": "a=1",
        "objective": "rmse 42",
    }
    history = FakeHistory()

    close(
        pipeline,
        FakeLog(rows=1000),
        history=history,
        jobs=Jobs(of_tuning={"bike-t9p1c0": 3600}),
        tuning_job="bike-t9p1c0",
        training={"job": "t", "tuning": tuning},
    )

    (past,) = history.trainings
    assert (past.seconds, past.tuning) == (3600, tuning)
    assert past.cost_usd == pytest.approx(0.1152)


def test_a_search_that_found_nothing_is_paid_for_all_the_same(pipeline):
    history = FakeHistory()

    close(
        pipeline,
        FakeLog(rows=1000),
        "failed",
        history=history,
        jobs=Jobs(of_tuning={"bike-t9p1c0": 3600}),
        tuning_job="bike-t9p1c0",
        training={},
        error={"Error": "TuningError", "Cause": "all failed"},
    )

    assert (history.trainings[0].seconds, history.trainings[0].tuning) == (3600, {"job": "bike-t9p1c0"})


def test_what_spot_instances_saved_is_written_down_beside_the_cost():
    spot = Pipeline(name="bike", problem="regression", target="cnt", training={"spot": {}})
    history = FakeHistory()

    close(spot, FakeLog(rows=1000), history=history, jobs=Jobs(seconds=100, saved=250))

    [training] = history.newest_first()
    assert (training.cost_usd, training.saved_usd) == (0.0032, 0.008)


def test_on_demand_nothing_was_saved(pipeline):
    history = FakeHistory()

    close(pipeline, FakeLog(rows=1000), history=history, jobs=Jobs(saved=250))

    [training] = history.newest_first()
    assert training.saved_usd is None
