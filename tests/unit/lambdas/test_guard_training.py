from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace.aws.training_log import Champion, LastTraining, Lock
from headrace.config.pipeline import Pipeline
from lambdas.guard_training.handler import guard_training
from lambdas.guard_training.rules import Policy, Situation, decide

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
POLICY = Policy(frozenset({"drift"}), min_rows=200, min_new_rows=100, cooldown=timedelta(minutes=60))
IN_SERVICE = Situation(
    reason="drift",
    follow_up=False,
    now=NOW,
    has_model=True,
    rows=900,
    new_rows=300,
    last_retraining=None,
    drift_pending=True,
    running=None,
)
NO_MODEL = replace(IN_SERVICE, reason="new_data", has_model=False, drift_pending=False, new_rows=900)


def test_drift_with_new_labels_trains():
    verdict = decide(POLICY, IN_SERVICE)

    assert (verdict.proceed, verdict.reason) == (True, "drift")


def test_drift_without_new_labels_does_not_train_and_says_so():
    verdict = decide(POLICY, replace(IN_SERVICE, new_rows=0))

    assert not verdict.proceed
    assert "no new labelled data" in verdict.why


def test_drift_with_too_few_new_labels_names_both_numbers():
    verdict = decide(POLICY, replace(IN_SERVICE, new_rows=99))

    assert not verdict.proceed
    assert "99" in verdict.why
    assert "100" in verdict.why


def test_labels_that_answer_a_pending_alarm_train_because_of_the_drift():
    verdict = decide(POLICY, replace(IN_SERVICE, reason="new_data"))

    assert (verdict.proceed, verdict.reason) == (True, "drift")


def test_new_data_alone_does_not_retrain_unless_the_policy_says_so():
    new_data = replace(IN_SERVICE, reason="new_data", drift_pending=False)

    assert not decide(POLICY, new_data).proceed
    assert decide(replace(POLICY, on=frozenset({"new_data"})), new_data).proceed


def test_data_that_came_while_the_first_model_was_trained_may_train_without_the_policy():
    follow_up = replace(IN_SERVICE, reason="new_data", drift_pending=False, follow_up=True)

    assert decide(POLICY, follow_up).proceed


def test_an_alarm_does_not_retrain_where_the_policy_does_not_name_drift():
    assert not decide(replace(POLICY, on=frozenset({"new_data"})), IN_SERVICE).proceed


def test_a_second_training_never_runs_beside_the_first():
    verdict = decide(POLICY, replace(IN_SERVICE, reason="manual", running="execution-1"))

    assert not verdict.proceed
    assert "execution-1" in verdict.why


def test_an_alarm_that_stays_on_does_not_train_again_within_the_cooldown():
    ended = replace(IN_SERVICE, last_retraining=NOW - timedelta(minutes=59))

    verdict = decide(POLICY, ended)

    assert not verdict.proceed
    assert "2026-01-31T12:01:00Z" in verdict.why


def test_the_cooldown_ends_to_the_minute():
    assert decide(POLICY, replace(IN_SERVICE, last_retraining=NOW - timedelta(minutes=60))).proceed


def test_a_person_may_train_within_the_cooldown_and_without_new_rows():
    by_hand = replace(IN_SERVICE, reason="manual", new_rows=0, last_retraining=NOW)

    assert decide(POLICY, by_hand).proceed


def test_nobody_trains_without_data():
    assert not decide(POLICY, replace(NO_MODEL, reason="manual", rows=0, new_rows=0)).proceed


def test_the_first_training_waits_for_enough_rows():
    verdict = decide(POLICY, replace(NO_MODEL, rows=199, new_rows=199))

    assert not verdict.proceed
    assert "199" in verdict.why


def test_the_first_training_needs_no_policy():
    assert decide(POLICY, replace(NO_MODEL, rows=200, new_rows=200)).proceed


class FakeLog:
    """The ledger in memory."""

    def __init__(self, *, rows=0, champion=None, last=None, lock=None):
        self._rows, self._champion, self._last, self.lock, self.pending = rows, champion, last, lock, False
        self.when_asked_for_drift = lambda: None

    def acquire(self, kind, lock, *, stale_after):
        oldest = datetime.fromisoformat(lock.acquired_at) - stale_after
        held = self.lock and datetime.fromisoformat(self.lock.acquired_at) >= oldest
        if held and self.lock.execution != lock.execution:
            return self.lock
        self.lock = lock
        return None

    def holder(self, kind):
        return self.lock

    def ask_for_drift_training(self, at):
        self.pending = True
        self.when_asked_for_drift()

    def drift_training_is_pending(self):
        return self.pending

    def last(self):
        return self._last

    def champion(self):
        return self._champion

    def rows(self):
        return self._rows


CHAMPION = Champion(
    3, "arn:aws:sagemaker:us-east-1:1:model-package/g/3", "s3://b/m.tar.gz", "v3", "t", "t", "h"
)
LAST = LastTraining("e0", "t", "2026-01-01T00:00:00+00:00", "registered", "", False, "h", "f", 700, True)


@pytest.fixture
def pipeline():
    return Pipeline(name="bike", problem="regression", target="cnt")


def ask(log, pipeline, reason="drift", execution="e1", now=NOW):
    return guard_training({"reason": reason, "detail": {}, "execution": execution}, pipeline, log, now)


def test_the_guard_takes_the_lock_when_it_lets_a_training_go(pipeline):
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST)

    answer = ask(log, pipeline)

    assert answer["proceed"]
    assert log.lock == Lock("e1", NOW.isoformat(), "drift")
    assert answer["champion_input"][0]["S3Input"]["S3Uri"] == "s3://b/m.tar.gz"


def test_the_guard_may_be_asked_twice_by_one_execution(pipeline):
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST)

    assert ask(log, pipeline)["proceed"]
    assert ask(log, pipeline)["proceed"]


def test_the_lock_of_an_aborted_training_is_taken_over_when_it_is_stale(pipeline):
    stale = Lock("e0", (NOW - timedelta(minutes=121)).isoformat(), "drift")
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST, lock=stale)

    assert ask(log, pipeline)["proceed"]
    assert log.lock.execution == "e1"


def test_a_lock_that_is_taken_between_question_and_answer_is_respected(pipeline):
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST)
    log.holder = lambda kind: None
    log.lock = Lock("e0", NOW.isoformat(), "manual")

    answer = ask(log, pipeline)

    assert not answer["proceed"]
    assert "e0" in answer["why"]


def test_alarm_first_then_labels_trains_once(pipeline):
    log = FakeLog(rows=700, champion=CHAMPION, last=LAST)

    alarm = ask(log, pipeline, execution="e1")
    log._rows = 1000
    labels = ask(log, pipeline, "new_data", execution="e2")
    more_labels = ask(log, pipeline, "new_data", execution="e3")

    assert [a["proceed"] for a in (alarm, labels, more_labels)] == [False, True, False]
    assert labels["reason"] == "drift"


def test_labels_first_then_alarm_trains_once(pipeline):
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST)

    labels = ask(log, pipeline, "new_data", execution="e1")
    alarm = ask(log, pipeline, execution="e2")
    alarm_again = ask(log, pipeline, execution="e3")

    assert [a["proceed"] for a in (labels, alarm, alarm_again)] == [False, True, False]


def test_labels_that_arrive_while_the_alarm_is_being_asked_are_not_missed(pipeline):
    log = FakeLog(rows=700, champion=CHAMPION, last=LAST)
    log.when_asked_for_drift = lambda: setattr(log, "_rows", 1000)

    assert ask(log, pipeline)["proceed"]


def test_names_of_runs_leave_room_for_an_attempt_within_the_63_characters_of_a_job(pipeline):
    long_name = pipeline.model_copy(update={"name": "a" * 24})

    run = ask(FakeLog(rows=1000), long_name, "manual")["run"]

    assert len(f"{run}-12") <= 63


def test_a_model_that_awaits_deployment_counts_as_a_model(pipeline):
    log = FakeLog(rows=1000, champion=None, last=LAST)

    answer = ask(log, pipeline, "new_data")

    assert not answer["proceed"]
    assert answer["champion_input"] == []
