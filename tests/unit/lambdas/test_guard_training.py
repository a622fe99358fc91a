from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace.aws.alarm_cases import AlarmCase
from headrace.aws.training_log import Lock
from headrace.config.pipeline import Pipeline
from lambdas.guard_training.handler import Ports, guard_training
from lambdas.guard_training.situation import Known, situation_of, stale_after
from tests.unit.lambdas.training_ledger import CHAMPION, LAST, NOW, FakeCases, FakeHistory, FakeLog, past

ALARM = {"alarmName": "bike-DriftAlarm", "state": {"value": "ALARM"}}
REPORTS = {
    "drift/latest.json": {"drifted_features": ["temp", "season"]},
    "quality/latest.json": {"metric": "rmse"},
}


class Key:
    public_text = "cHVibGlj"


class Reports(dict):
    def load(self, key):
        return self.get(key)


@pytest.fixture
def pipeline():
    return Pipeline(name="bike", problem="regression", target="cnt")


def ports(log, *, cases=None, history=None, reports=REPORTS):
    return Ports(
        log, FakeCases() if cases is None else cases, history or FakeHistory(), Reports(reports), Key()
    )


def ask(of, pipeline, reason="drift", execution="e1", now=NOW):
    of = of if isinstance(of, Ports) else ports(of)
    event = {
        "reason": reason,
        "detail": ALARM if reason in ("drift", "quality") else {},
        "execution": execution,
    }
    return guard_training(event, pipeline, of, now)


def test_the_guard_takes_the_lock_when_it_lets_a_training_go(pipeline):
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST)

    answer = ask(log, pipeline)

    assert answer["proceed"]
    assert log.lock == Lock("e1", NOW.isoformat(), "drift")
    assert answer["champion_input"][0]["S3Input"]["S3Uri"] == "s3://b/m.tar.gz"


def test_a_model_in_service_that_was_signed_is_judged_with_its_signature_and_the_key_that_kms_has(pipeline):
    champion = replace(CHAMPION, signed=True, model_data_url="s3://b/training/job/output/model.tar.gz")

    answer = ask(FakeLog(rows=1000, champion=champion, last=LAST), pipeline)

    assert [each["S3Input"]["S3Uri"] for each in answer["champion_input"]] == [
        "s3://b/training/job/output/model.tar.gz",
        "s3://b/training/job/output/signed_manifest.json",
    ]
    assert answer["evaluation_environment"] == {
        "HEADRACE_SIGNING_KEY": "cHVibGlj",
        "HEADRACE_CHAMPION_VERSION": str(champion.version),
    }


def test_a_model_in_service_that_nobody_has_signed_is_judged_without(pipeline):
    answer = ask(FakeLog(rows=1000, champion=CHAMPION, last=LAST), pipeline)

    assert len(answer["champion_input"]) == 1
    assert answer["evaluation_environment"] == {}


def test_the_guard_may_be_asked_twice_by_one_execution(pipeline):
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST)

    assert ask(log, pipeline)["proceed"]
    assert ask(log, pipeline)["proceed"]


def test_the_lock_of_an_aborted_training_is_taken_over_when_no_execution_can_be_so_old(pipeline):
    stale = Lock("e0", (NOW - timedelta(hours=5, minutes=1)).isoformat(), "drift")
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST, lock=stale)

    assert ask(log, pipeline)["proceed"]
    assert log.lock.execution == "e1"


def test_the_lock_of_a_training_that_may_still_run_is_respected(pipeline):
    held = Lock("e0", (NOW - timedelta(hours=4, minutes=59)).isoformat(), "drift")

    assert not ask(FakeLog(rows=1000, champion=CHAMPION, last=LAST, lock=held), pipeline)["proceed"]


def test_a_lock_that_is_taken_between_question_and_answer_is_respected(pipeline):
    log = FakeLog(rows=1000, champion=CHAMPION, last=LAST)
    log.holder = lambda kind: None
    log.lock = Lock("e0", NOW.isoformat(), "manual")

    answer = ask(log, pipeline)

    assert not answer["proceed"]
    assert (answer["rule"], "e0" in answer["why"]) == ("single_flight", True)


def test_alarm_first_then_labels_trains_once(pipeline):
    log = FakeLog(rows=700, champion=CHAMPION, last=LAST)
    ledger = ports(log)

    alarm = ask(ledger, pipeline, execution="e1")
    log._rows = 1000
    labels = ask(ledger, pipeline, "new_data", execution="e2")
    more_labels = ask(ledger, pipeline, "new_data", execution="e3")

    assert [a["proceed"] for a in (alarm, labels, more_labels)] == [False, True, False]
    assert labels["reason"] == "drift"


def test_labels_first_then_alarm_trains_once(pipeline):
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST))

    labels = ask(ledger, pipeline, "new_data", execution="e1")
    alarm = ask(ledger, pipeline, execution="e2")
    alarm_again = ask(ledger, pipeline, execution="e3")

    assert [a["proceed"] for a in (labels, alarm, alarm_again)] == [False, True, False]


def test_labels_that_arrive_while_the_alarm_is_being_asked_are_not_missed(pipeline):
    log, cases = FakeLog(rows=700, champion=CHAMPION, last=LAST), FakeCases()
    cases.when_opened = lambda: setattr(log, "_rows", 1000)

    assert ask(ports(log, cases=cases), pipeline)["proceed"]


def test_a_storm_of_a_hundred_alarms_starts_one_training(pipeline):
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST))

    answers = [ask(ledger, pipeline, execution=f"e{n}") for n in range(100)]

    assert sum(answer["proceed"] for answer in answers) == 1
    assert ledger.history.refused == [("drift", "single_flight")] * 99


def test_names_of_runs_leave_room_for_an_attempt_within_the_63_characters_of_a_job(pipeline):
    long_name = pipeline.model_copy(update={"name": "a" * 24})

    run = ask(FakeLog(rows=1000), long_name, "manual")["run"]

    assert len(f"{run}-12") <= 63


def test_a_model_that_awaits_deployment_counts_as_a_model(pipeline):
    log = FakeLog(rows=1000, champion=None, last=LAST)

    answer = ask(log, pipeline, "new_data")

    assert not answer["proceed"]
    assert answer["champion_input"] == []


# --- what it is because of


@pytest.mark.parametrize(("reason", "about"), [("drift", "temp season"), ("quality", "rmse")])
def test_the_training_knows_which_alarm_it_is_because_of_and_what_that_is_about(pipeline, reason, about):
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST))

    assert ask(ledger, pipeline, reason)["cause"] == {"alarm": "bike-DriftAlarm", "about": about}


def test_labels_that_answer_an_alarm_know_which(pipeline):
    cases = FakeCases(AlarmCase("drift", NOW.isoformat(), "bike-DriftAlarm", "hum"))
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST), cases=cases)

    assert ask(ledger, pipeline, "new_data")["cause"] == {"alarm": "bike-DriftAlarm", "about": "hum"}


def test_a_training_without_an_alarm_says_what_let_it_start(pipeline):
    answer = ask(FakeLog(rows=1000), pipeline, "new_data")

    assert answer["cause"] == {"alarm": "", "about": "the first training, on 1000 rows"}


def test_an_alarm_without_a_report_is_noted_all_the_same(pipeline):
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST), reports={})

    assert ask(ledger, pipeline)["cause"] == {"alarm": "bike-DriftAlarm", "about": ""}


# --- the past


def test_a_start_by_hand_gives_every_alarm_a_new_beginning(pipeline):
    cases = FakeCases(AlarmCase("drift", NOW.isoformat(), "a", in_vain=3))
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST), cases=cases)

    assert ask(ledger, pipeline, execution="e1")["rule"] == "given_up"
    assert ask(ledger, pipeline, "manual", execution="e2")["proceed"]
    assert cases["drift"].in_vain == 0


def test_money_is_counted_by_calendar_month(pipeline):
    capped = pipeline.model_copy(
        update={"retraining": pipeline.retraining.model_copy(update={"max_usd_per_month": 5.0})}
    )
    history = FakeHistory(*(past(NOW - timedelta(days=n), cost_usd=2.0) for n in (10, 20)))
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST), history=history)

    january = ask(ledger, capped)
    february = ask(ledger, capped, now=datetime(2026, 2, 1, tzinfo=UTC))

    assert (january["rule"], january["proceed"]) == ("money_cap", False)
    assert february["proceed"]


def test_the_next_training_is_expected_to_cost_what_the_dearest_of_the_last_three_did(pipeline):
    capped = pipeline.model_copy(
        update={"retraining": pipeline.retraining.model_copy(update={"max_usd_per_month": 5.0})}
    )
    months_ago = [past(NOW - timedelta(days=40 + n), cost_usd=cost) for n, cost in enumerate([1, 6, 1, 9])]
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST), history=FakeHistory(*months_ago))

    assert "the next is expected to cost $6.00" in ask(ledger, capped)["why"]


def test_a_week_is_the_last_seven_days_and_first_models_do_not_count(pipeline):
    limited = pipeline.model_copy(
        update={"retraining": pipeline.retraining.model_copy(update={"max_per_week": 2})}
    )
    history = FakeHistory(
        past(NOW - timedelta(days=7, seconds=1)),
        past(NOW - timedelta(days=6)),
        past(NOW - timedelta(days=5), retraining=False),
    )
    ledger = ports(FakeLog(rows=1000, champion=CHAMPION, last=LAST), history=history)

    assert ask(ledger, limited, execution="e1")["proceed"]
    history.add(past(NOW - timedelta(days=4)))
    ledger.log.lock = None
    assert ask(ledger, limited, execution="e2")["rule"] == "max_per_week"


def test_the_end_of_a_first_training_starts_no_cooldown(pipeline):
    just_ended = replace(LAST, finished_at=NOW.isoformat())

    assert ask(FakeLog(rows=1000, champion=CHAMPION, last=just_ended), pipeline)["proceed"]
    again = FakeLog(rows=1000, champion=CHAMPION, last=replace(just_ended, retraining=True))
    assert ask(again, pipeline)["rule"] == "cooldown"


# --- searches for hyperparameters


def expected(history, **training):
    pipeline = Pipeline(name="bike", problem="regression", target="cnt", training=training)
    known = Known(FakeLog(rows=1000, champion=CHAMPION, last=LAST), FakeCases(), history)
    return situation_of("drift", known, pipeline, NOW).expected_usd


SEARCHED = {"tuning": {"trials": 10, "parallel": 5}, "usd_per_hour": 6}
TUNED = {"job": "bike-1", "strategy": "random", "trials": "10", "best": "", "objective": ""}


def test_a_first_search_is_expected_to_cost_what_all_its_trials_and_the_training_after_them_may():
    assert expected(FakeHistory(), **SEARCHED) == 66.0
    assert expected(FakeHistory(), **{**SEARCHED, "max_runtime_minutes": 10}) == 11.0


def test_a_search_is_expected_to_cost_one_training_more_than_it_has_trials():
    assert expected(FakeHistory(past(cost_usd=0.5)), **SEARCHED) == 5.5


def test_after_a_search_the_next_is_expected_to_cost_as_much():
    history = FakeHistory(past(cost_usd=0.5), past(NOW - timedelta(days=2), cost_usd=3.0, tuning=TUNED))

    assert expected(history, **SEARCHED) == 3.0


def test_no_training_is_expected_to_cost_more_than_its_cap():
    assert expected(FakeHistory(past(cost_usd=5.0)), max_usd=2.0) == 2.0
    assert expected(FakeHistory(past(cost_usd=1.0)), max_usd=2.0) == 1.0


def test_the_lock_of_a_training_on_spot_instances_is_kept_as_long_as_it_may_wait():
    waiting = Pipeline(
        name="bike", problem="regression", target="cnt", training={"spot": {"max_wait_minutes": 600}}
    )

    # The training with all waiting, the evaluation, and what is around them.
    assert stale_after(waiting) == timedelta(hours=10 + 1 + 3)


def test_the_lock_of_a_search_is_kept_as_long_as_it_may_run():
    tuned = Pipeline(name="bike", problem="regression", target="cnt", training=SEARCHED)

    assert stale_after(tuned) == timedelta(minutes=2 * 70 + 60 + 60 + 180)
