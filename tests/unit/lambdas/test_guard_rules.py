"""Every rule of the guard, with a clock that stands where the test puts it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lambdas.guard_training.policy import OpenAlarm, Policy, Situation
from lambdas.guard_training.rules import RULES, decide

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = Policy(frozenset({"drift", "quality"}), min_rows=200, min_new_rows=100, cooldown=HOUR)
ON_DRIFT = Situation(
    reason="drift",
    follow_up=False,
    now=NOW,
    has_model=True,
    rows=900,
    new_rows=300,
    last_retraining=None,
    running=None,
    open_alarms=(OpenAlarm("drift"),),
)
NO_MODEL = replace(ON_DRIFT, reason="new_data", has_model=False, open_alarms=(), new_rows=900)
NEW_DATA = replace(ON_DRIFT, reason="new_data", open_alarms=())


def tried(times, **changed):
    return replace(ON_DRIFT, open_alarms=(OpenAlarm("drift", in_vain=times),), **changed)


# --- reasons


@pytest.mark.parametrize("reason", ["drift", "quality"])
def test_an_alarm_with_new_labels_trains(reason):
    verdict = decide(POLICY, replace(ON_DRIFT, reason=reason))

    assert (verdict.proceed, verdict.reason) == (True, reason)


@pytest.mark.parametrize("reason", ["drift", "quality"])
def test_an_alarm_does_not_retrain_where_the_policy_does_not_name_it(reason):
    verdict = decide(replace(POLICY, on=frozenset({"schedule"})), replace(ON_DRIFT, reason=reason))

    assert (verdict.proceed, verdict.rule) == (False, "not_wanted")
    assert verdict.why == f"{reason} alone does not retrain: retraining.on names schedule"


def test_labels_that_answer_a_waiting_alarm_train_because_of_the_drift():
    verdict = decide(POLICY, replace(ON_DRIFT, reason="new_data"))

    assert (verdict.proceed, verdict.reason) == (True, "drift")


def test_of_two_alarms_that_wait_the_measured_quality_is_the_reason():
    both = replace(NEW_DATA, open_alarms=(OpenAlarm("drift"), OpenAlarm("quality")))

    assert decide(POLICY, both).reason == "quality"


def test_of_two_alarms_that_wait_the_one_that_was_tried_less_often_is_the_reason():
    both = replace(NEW_DATA, open_alarms=(OpenAlarm("drift"), OpenAlarm("quality", in_vain=3)))

    assert decide(POLICY, both).reason == "drift"


def test_new_data_alone_does_not_retrain_unless_the_policy_says_so():
    assert decide(POLICY, NEW_DATA).rule == "not_wanted"
    assert decide(replace(POLICY, on=frozenset({"new_data"})), NEW_DATA).proceed


@pytest.mark.parametrize(("rows", "proceed"), [(499, False), (500, True)])
def test_so_many_new_rows_are_a_reason_by_themselves(rows, proceed):
    verdict = decide(replace(POLICY, new_rows=500), replace(NEW_DATA, new_rows=rows))

    assert (verdict.proceed, verdict.reason) == (proceed, "new_data")
    if not proceed:
        assert (
            verdict.why == "499 new labelled rows since the last training, retraining.new_rows waits for 500"
        )


def test_fewer_new_rows_still_answer_an_alarm_that_waits():
    waiting = replace(NEW_DATA, open_alarms=(OpenAlarm("drift"),))

    assert decide(replace(POLICY, new_rows=500), waiting).reason == "drift"


def test_data_that_came_while_the_first_model_was_trained_may_train_without_the_policy():
    assert decide(POLICY, replace(NEW_DATA, follow_up=True)).proceed


def test_the_schedule_trains_where_the_policy_names_it():
    at_six = replace(NEW_DATA, reason="schedule")

    assert not decide(POLICY, at_six).proceed
    assert decide(replace(POLICY, on=frozenset({"schedule"})), at_six).proceed


# --- single flight, data, the first model


def test_a_second_training_never_runs_beside_the_first():
    verdict = decide(POLICY, replace(ON_DRIFT, reason="manual", running="execution-1"))

    assert (verdict.proceed, verdict.rule) == (False, "single_flight")
    assert verdict.why == "a training is already running: execution-1"


def test_nobody_trains_without_data():
    assert decide(POLICY, replace(NO_MODEL, reason="manual", rows=0, new_rows=0)).rule == "no_data"


def test_the_first_training_waits_for_enough_rows():
    verdict = decide(POLICY, replace(NO_MODEL, rows=199, new_rows=199))

    assert (verdict.proceed, verdict.rule) == (False, "too_few_rows")
    assert verdict.why == "the first training needs 200 rows, 199 are here"


def test_the_first_training_needs_no_policy():
    verdict = decide(POLICY, replace(NO_MODEL, rows=200, new_rows=200))

    assert (verdict.proceed, verdict.why) == (True, "the first training, on 200 rows")


# --- new labels


def test_an_alarm_without_new_labels_does_not_train_and_waits():
    verdict = decide(POLICY, replace(ON_DRIFT, new_rows=0))

    assert (verdict.proceed, verdict.rule) == (False, "no_new_labels")
    assert verdict.why == (
        "no new labelled data since the last training; the alarm stays pending until there is"
    )


def test_an_alarm_with_too_few_new_labels_names_both_numbers():
    verdict = decide(POLICY, replace(ON_DRIFT, new_rows=99))

    assert verdict.rule == "no_new_labels"
    assert verdict.why.startswith("only 99 new labelled rows since the last training, 100 are needed")


@pytest.mark.parametrize("reason", ["drift", "quality", "schedule", "new_data"])
def test_no_reason_but_a_person_trains_on_the_same_rows_again(reason):
    eager = replace(POLICY, on=frozenset({"drift", "quality", "schedule", "new_data"}))

    assert decide(eager, replace(NEW_DATA, reason=reason, new_rows=0)).rule == "no_new_labels"


# --- cooldown and back-off


def test_an_alarm_that_stays_on_does_not_train_again_within_the_cooldown():
    verdict = decide(POLICY, replace(ON_DRIFT, last_retraining=NOW - timedelta(minutes=59)))

    assert (verdict.proceed, verdict.rule) == (False, "cooldown")
    assert verdict.why == "the cooldown after the last retraining ends at 2026-01-31T12:01:00Z"


def test_the_cooldown_ends_to_the_minute():
    assert decide(POLICY, replace(ON_DRIFT, last_retraining=NOW - HOUR)).proceed


@pytest.mark.parametrize(("times", "hours"), [(0, 1), (1, 2), (2, 4)])
def test_the_cooldown_doubles_with_each_retraining_that_did_not_cure(times, hours):
    ended = NOW - hours * HOUR

    assert decide(POLICY, tried(times, last_retraining=ended)).proceed
    assert decide(POLICY, tried(times, last_retraining=ended + timedelta(seconds=1))).rule == "cooldown"


def test_the_longer_cooldown_says_why_it_is_longer():
    verdict = decide(POLICY, tried(2, last_retraining=NOW))

    assert verdict.why == (
        "the cooldown after the last retraining ends at 2026-01-31T16:00:00Z, longer because 2 in a row did not cure "
        "the alarm"
    )


def test_doubling_ends_at_a_week():
    patient = replace(POLICY, give_up_after=1000, cooldown=timedelta(days=1))
    week = timedelta(days=7)

    assert decide(patient, tried(900, last_retraining=NOW - week)).proceed
    assert decide(patient, tried(900, last_retraining=NOW - week + HOUR)).rule == "cooldown"


def test_a_cooldown_of_more_than_a_week_is_kept_and_not_doubled():
    patient = replace(POLICY, cooldown=timedelta(days=30))

    assert decide(patient, tried(1, last_retraining=NOW - timedelta(days=30))).proceed
    assert not decide(patient, tried(1, last_retraining=NOW - timedelta(days=29))).proceed


def test_the_back_off_of_one_alarm_does_not_hold_back_another_reason():
    by_quality = replace(tried(2, last_retraining=NOW - HOUR), reason="quality")

    assert decide(POLICY, by_quality).proceed


# --- not cured


def test_an_alarm_waits_until_the_model_that_was_trained_because_of_it_is_judged():
    answered = replace(ON_DRIFT, open_alarms=(OpenAlarm("drift", waiting=False),))

    verdict = decide(POLICY, answered)

    assert (verdict.proceed, verdict.rule) == (False, "not_judged_yet")
    assert decide(POLICY, replace(answered, reason="new_data")).rule == "not_wanted"


@pytest.mark.parametrize(("times", "rule"), [(2, "none"), (3, "given_up"), (4, "given_up")])
def test_after_three_retrainings_in_vain_it_gives_up(times, rule):
    verdict = decide(POLICY, tried(times))

    assert verdict.rule == rule
    if rule == "given_up":
        assert verdict.why.startswith(f"{times} retrainings in a row have not cured the alarm")


def test_new_labels_do_not_train_for_an_alarm_that_was_given_up():
    assert decide(POLICY, replace(tried(3), reason="new_data")).rule == "given_up"


def test_a_person_may_train_after_it_has_given_up():
    assert decide(POLICY, replace(tried(3), reason="manual")).proceed


# --- limits


def test_so_many_retrainings_a_week_and_no_more():
    starts = tuple(NOW - timedelta(days=days) for days in (6, 3, 1))
    situation = replace(ON_DRIFT, this_week=starts)

    verdict = decide(replace(POLICY, max_per_week=3), situation)

    assert (verdict.proceed, verdict.rule) == (False, "max_per_week")
    assert verdict.why == (
        "3 retrainings within seven days, retraining.max_per_week is 3: the next may start at 2026-02-01T12:00:00Z"
    )
    assert decide(replace(POLICY, max_per_week=4), situation).proceed


def test_the_money_cap_counts_what_was_spent_and_what_the_next_training_is_expected_to_cost():
    capped = replace(POLICY, max_usd_per_month=10.0)

    verdict = decide(capped, replace(ON_DRIFT, spent_usd=9.0, expected_usd=1.01))

    assert (verdict.proceed, verdict.rule) == (False, "money_cap")
    assert verdict.why == (
        "this month's trainings have cost $9.00, the next is expected to cost $1.01, "
        "and retraining.max_usd_per_month is $10.00"
    )
    assert decide(capped, replace(ON_DRIFT, spent_usd=9.0, expected_usd=1.0)).proceed
    assert decide(POLICY, replace(ON_DRIFT, spent_usd=9e9)).proceed


def test_first_trainings_that_fail_again_and_again_end_at_the_money_cap():
    verdict = decide(replace(POLICY, max_usd_per_month=10.0), replace(NO_MODEL, spent_usd=10.5))

    assert verdict.rule == "money_cap"


def test_a_person_may_train_against_every_limit():
    full = replace(
        tried(9, last_retraining=NOW, new_rows=0, spent_usd=1e6, this_week=(NOW,) * 99), reason="manual"
    )

    verdict = decide(replace(POLICY, max_usd_per_month=1.0), full)

    assert (verdict.proceed, verdict.why) == (True, "started by hand")


# --- a storm


def test_of_a_storm_of_alarms_one_trains_and_the_rest_are_told_that_it_runs():
    running, verdicts = None, []

    for second in range(100):
        asked = replace(ON_DRIFT, now=NOW + timedelta(seconds=second), running=running)
        verdicts.append(decide(POLICY, asked))
        running = running or "execution-0"

    assert [verdict.proceed for verdict in verdicts] == [True] + 99 * [False]
    assert {verdict.rule for verdict in verdicts[1:]} == {"single_flight"}


# --- the page


def test_every_rule_is_told_on_the_page_in_the_order_in_which_it_is_asked():
    page = (Path(__file__).parents[3] / "docs/retraining.md").read_text()
    told = [
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `") and line.count("|") == 3
    ]

    assert [rule for rule in told if rule in RULES] == list(RULES)


@pytest.mark.parametrize(
    "sentence",
    [
        decide(replace(POLICY, on=frozenset({"drift", "quality"})), NEW_DATA).why,
        decide(replace(POLICY, new_rows=500), replace(NEW_DATA, new_rows=499)).why,
        decide(replace(POLICY, min_new_rows=200), replace(ON_DRIFT, new_rows=99)).why,
        decide(POLICY, replace(NO_MODEL, rows=199)).why,
        decide(POLICY, tried(2, last_retraining=NOW)).why,
        decide(POLICY, tried(3)).why,
        decide(POLICY, replace(ON_DRIFT, new_rows=0)).why,
        decide(POLICY, replace(ON_DRIFT, open_alarms=(OpenAlarm("drift", waiting=False),))).why,
    ],
)
def test_the_page_has_the_sentences_of_the_rules(sentence):
    page = (Path(__file__).parents[3] / "docs/retraining.md").read_text()

    assert sentence in page
