from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from headrace.aws.alarm_cases import AlarmCases, opened
from headrace.aws.training_history import PastTraining, TrainingHistory
from headrace.aws.training_log import Champion, LastTraining, Lock, TrainingLog
from tests.integration.ledger import create_ledger

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def table():
    with mock_aws():
        yield create_ledger()


@pytest.fixture
def log(table):
    return TrainingLog(table)


def lock(execution, at=NOW):
    return Lock(execution, at.isoformat(), "drift")


def test_only_one_execution_holds_the_lock(log):
    assert log.acquire("training", lock("e1"), stale_after=HOUR) is None
    assert log.acquire("training", lock("e2"), stale_after=HOUR) == lock("e1")
    assert log.acquire("training", lock("e1"), stale_after=HOUR) is None


def test_training_and_deployment_have_a_lock_each(log):
    log.acquire("training", lock("e1"), stale_after=HOUR)

    assert log.acquire("deployment", lock("e2"), stale_after=HOUR) is None
    assert log.holder("deployment") == lock("e2")


def test_a_stale_lock_is_taken_over(log):
    log.acquire("training", lock("e1"), stale_after=HOUR)

    later = lock("e2", NOW + HOUR + timedelta(seconds=1))

    assert log.acquire("training", later, stale_after=HOUR) is None
    assert log.holder("training") == later


def test_a_lock_is_given_back_by_its_holder_only(log):
    log.acquire("training", lock("e1"), stale_after=HOUR)

    log.release("training", "e2")
    assert log.holder("training") == lock("e1")

    log.release("training", "e1")
    log.release("training", "e1")
    assert log.holder("training") is None


def test_the_last_training_and_the_champion_are_read_as_they_were_written(log):
    training = LastTraining("e1", "t1", "t2", "failed", "why", True, None, None, 700, False)
    champion = Champion(3, "arn", "s3://b/m", "v3", "t1", "t2", "h")
    assert log.last() is None
    assert log.champion() is None

    log.record(training)
    log.crown(champion)

    assert log.last() == training
    assert log.champion() == champion


def test_of_a_hundred_executions_that_ask_at_once_one_gets_the_lock(log):
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: log.acquire("training", lock(f"e{n}"), stale_after=HOUR), range(100))
        )

    assert answers.count(None) == 1
    assert {answer.execution for answer in answers if answer} == {log.holder("training").execution}


def test_an_alarm_is_open_until_it_clears_and_keeps_what_is_known_of_it(table):
    cases = AlarmCases(table)
    first = opened("drift", "DriftAlarm", "temp", NOW)
    cases.open(first)
    tried = first.tried_in_vain("e1")

    assert cases.change(first, tried)
    assert not cases.change(first, first.answered("e2", "arn"))
    cases.open(opened("drift", "DriftAlarm", "hum", NOW + HOUR))
    assert cases.all() == [tried]

    assert cases.change(tried, tried.answered("e2", "arn"))
    assert cases.all()[0].awaits == "arn"
    cases.close("drift")
    assert cases.all() == []


def past(started, **changed):
    values = {
        "execution": f"e{started:%H}",
        "run": "run",
        "started_at": started.isoformat(),
        "finished_at": started.isoformat(),
        "reason": "drift",
        "because": "temp",
        "outcome": "registered",
        "why": "",
        "retraining": True,
        "champion": None,
        "version": 4,
        "seconds": 360,
        "cost_usd": 0.0115,
    }
    return PastTraining(**{**values, **changed})


def test_trainings_are_read_as_they_were_written_the_newest_first(table):
    history = TrainingHistory(table)
    old, new = past(NOW - HOUR), past(NOW, cost_usd=None, seconds=None)

    for training in (new, old, new):
        history.add(training)

    assert list(history.newest_first()) == [new, old]


def test_refusals_are_counted_by_day_reason_and_rule_and_expire(table):
    history = TrainingHistory(table)

    for minute in range(100):
        history.refuse("drift", "cooldown", f"until {minute}", NOW + timedelta(minutes=minute))
    history.refuse("drift", "single_flight", "runs", NOW)
    history.refuse("drift", "cooldown", "the next day", NOW + timedelta(days=1))

    told = [(refused.day, refused.rule, refused.times, refused.why) for refused in history.refusals()]
    assert told == [
        ("2026-02-01", "cooldown", 1, "the next day"),
        ("2026-01-31", "single_flight", 1, "runs"),
        ("2026-01-31", "cooldown", 100, "until 99"),
    ]
    item = table.get_item(Key={"pk": "training", "sk": "refusal#2026-01-31#drift#single_flight"})["Item"]
    assert item["expires_at"] == int((NOW + timedelta(days=30)).timestamp())


def test_rows_are_counted_over_all_files_and_pages(log, table):
    with table.batch_writer() as batch:
        for n in range(300):
            # Large enough for several pages of one megabyte.
            batch.put_item(Item={"pk": "file", "sk": f"{n:04}", "rows": 2, "padding": "x" * 5000})

    assert log.rows() == 600
    assert [item["sk"] for item in log.files()] == [f"{n:04}" for n in range(300)]
