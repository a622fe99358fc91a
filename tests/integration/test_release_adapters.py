import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from headrace.aws.release_alarms import ReleaseAlarms, release_alarm_names
from headrace.aws.release_log import Decision, Entry, ReleaseLog, RunningRelease
from headrace.aws.task_tokens import TaskTokens
from headrace.aws.training_log import Champion, Lock, TrainingLog
from headrace.config.release import ReleaseLimits
from tests.integration.ledger import create_ledger

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
PLAN = {"planned_at": NOW.isoformat(), "version": 4, "against": 3, "strategy": "canary", "share": 0.1}
RUNNING = RunningRelease("e1", PLAN, 0, 0.1, NOW.isoformat(), "token", {"figures": {"shift": 0.25}})


@pytest.fixture
def table():
    with mock_aws():
        yield create_ledger()


@pytest.fixture
def log(table):
    return ReleaseLog(table)


def test_the_release_that_runs_is_read_as_it_was_written(log):
    assert log.running() is None

    log.begin(RUNNING)

    assert log.running() == RUNNING


def test_a_decision_survives_what_the_execution_writes_after_it(log):
    log.begin(RUNNING)
    decision = Decision("rollback", "arn:ann", "complaints")
    log.decide("e1", decision)

    kept = log.keep(replace(RUNNING, step=1, share=1.0, token="token-2"))

    assert kept == log.running()
    assert (kept.decision, kept.step, kept.share, kept.token) == (decision, 1, 1.0, "token-2")


def test_nothing_is_decided_on_a_release_that_has_ended(log):
    assert log.decide("e1", Decision("promote", "ann", "")) is None
    log.begin(RUNNING)

    assert log.decide("e0", Decision("promote", "ann", "")) is None
    assert log.running().decision is None


def test_only_one_execution_adopts_a_lost_release(log):
    log.begin(RUNNING)

    assert log.adopt("e1", by="e2").execution == "e2"
    assert log.adopt("e1", by="e3") is None


def test_a_release_is_ended_by_its_own_execution_only(log):
    log.begin(RUNNING)

    log.end("e2")
    assert log.running() == RUNNING

    log.end("e1")
    log.end("e1")
    assert log.running() is None


def test_of_several_models_that_wait_the_one_approved_last_has_its_turn(log):
    log.queue("arn:5", "2026-01-31T12:00:00+00:00")
    log.queue("arn:6", "2026-01-31T12:05:00+00:00")
    log.queue("arn:5", "2026-01-31T12:00:00+00:00")
    assert log.waiting() == "arn:6"

    log.leave_queue("arn:5")
    assert log.waiting() == "arn:6"

    log.leave_queue("arn:6")
    assert log.waiting() is None


def entry(place, event, **plan):
    said = {"at": NOW.isoformat(), "by": "release", "why": "no alarm", "execution": "e1"}
    return Entry.of({**PLAN, **plan}, place, event, 0.1, **said)


def test_the_history_comes_the_latest_line_first_and_none_is_written_over(log):
    later = {"planned_at": (NOW + timedelta(days=1)).isoformat(), "against": None}
    lines = [
        entry(0, "began"),
        entry(1, "shifted"),
        entry(9999, "promoted"),
        entry(9999, "deployed", **later),
    ]
    assert all(log.add(line) for line in lines)

    assert not log.add(entry(1, "withdrawn"))
    assert list(log.newest_first()) == lines[::-1]


def test_a_lock_that_its_holder_asked_for_longer_is_not_stale_before(table):
    log = TrainingLog(table)
    release = Lock("e1", NOW.isoformat(), "v4", until=(NOW + timedelta(days=14)).isoformat())
    log.acquire("deployment", release, stale_after=timedelta(hours=1))

    def asked(after):
        lock = Lock("e2", (NOW + after).isoformat(), "v5")
        return log.acquire("deployment", lock, stale_after=timedelta(hours=1))

    assert asked(timedelta(days=13)) == release
    assert asked(timedelta(days=15)) is None


def test_a_lock_is_taken_over_from_the_execution_that_had_it_and_no_other(table):
    log = TrainingLog(table)
    log.acquire("deployment", Lock("e1", NOW.isoformat(), "v4"), stale_after=timedelta(hours=1))
    mine = Lock("e2", NOW.isoformat(), "v4")

    assert not log.take_over("deployment", mine, of="e0")
    assert log.take_over("deployment", mine, of="e1")
    assert log.holder("deployment") == mine


def test_a_champion_knows_the_one_before_it(table):
    log = TrainingLog(table)
    before = Champion(3, "arn:3", "s3://b/3", "v3", "t", "t", "h", "headrace-bike-v3-00000000", "run-3")

    log.crown(Champion(4, "arn:4", "s3://b/4", "v4", "t", "t", "h", "n", "r", before.as_previous()))

    assert log.champion().way_back == before


def test_a_champion_that_an_earlier_release_of_headrace_has_written_is_read(table):
    item = {"version": 3, "model_package_arn": "a", "model_data_url": "u", "variant": "v3"}
    times = {"deployed_at": "t", "approved_at": "t", "snapshot": "h"}
    table.put_item(Item={"pk": "champion", "sk": "current", **item, **times})

    champion = TrainingLog(table).champion()

    assert (champion.version, champion.name, champion.way_back) == (3, "", None)
    assert champion.as_previous() is None


# --- alarms


@pytest.fixture
def cloudwatch():
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="us-east-1")


def made(cloudwatch, **limits):
    alarms = ReleaseAlarms(cloudwatch, "bike")
    alarms.make("headrace-bike", "v3", "v4", ReleaseLimits(**limits))
    found = cloudwatch.describe_alarms(AlarmNamePrefix="headrace-bike-release-")["MetricAlarms"]
    return {alarm["AlarmName"].rpartition("-")[2]: alarm for alarm in found}


def test_the_alarms_look_at_the_challengers_own_metrics(cloudwatch):
    alarms = made(cloudwatch, server_errors=3, prediction_shift=0.5)

    assert alarms.keys() == {"errors", "latency", "shift"}
    assert alarms["errors"]["MetricName"] == "Invocation5XXErrors"
    assert {"Name": "VariantName", "Value": "v4"} in alarms["errors"]["Dimensions"]
    assert (alarms["errors"]["Threshold"], alarms["errors"]["TreatMissingData"]) == (3, "notBreaching")
    assert (alarms["shift"]["Namespace"], alarms["shift"]["Threshold"]) == ("Headrace", 0.5)
    assert all(alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold" for alarm in alarms.values())


@pytest.mark.parametrize(
    ("limits", "expression", "variants"),
    [
        ({"latency_p99_ms": 200, "latency_p99_factor": None}, "challenger / 200000", {"v4"}),
        ({"latency_p99_factor": 2}, "challenger / (2.0 * FILL(champion, 1000000000000))", {"v3", "v4"}),
        (
            {"latency_p99_ms": 200, "latency_p99_factor": 2},
            "MAX([challenger / 200000, challenger / (2.0 * FILL(champion, 1000000000000))])",
            {"v3", "v4"},
        ),
    ],
)
def test_latency_is_a_share_of_what_is_allowed(cloudwatch, limits, expression, variants):
    asked = made(cloudwatch, **limits)["latency"]["Metrics"]

    stats = [query["MetricStat"] for query in asked if "MetricStat" in query]
    assert [query["Expression"] for query in asked if "Expression" in query] == [expression]
    assert {d["Value"] for s in stats for d in s["Metric"]["Dimensions"]} == {"headrace-bike", *variants}
    assert {stat["Stat"] for stat in stats} == {"p99"}


def test_a_limit_that_is_none_has_no_alarm(cloudwatch):
    assert made(cloudwatch, latency_p99_factor=None, prediction_shift=None).keys() == {"errors"}


def test_alarms_are_deleted_as_far_as_they_exist(cloudwatch):
    made(cloudwatch, prediction_shift=None)
    alarms = ReleaseAlarms(cloudwatch, "bike")

    alarms.delete()
    alarms.delete()

    assert alarms.states() == []


def test_an_alarm_that_is_on_is_told(cloudwatch):
    made(cloudwatch)
    errors, latency, _ = release_alarm_names("bike")
    cloudwatch.set_alarm_state(AlarmName=errors, StateValue="ALARM", StateReason="3 errors")
    cloudwatch.set_alarm_state(AlarmName=latency, StateValue="OK", StateReason="fast")

    assert [(a.name, a.reason) for a in ReleaseAlarms(cloudwatch, "bike").firing()] == [(errors, "3 errors")]


# --- tokens


@pytest.fixture
def stepfunctions():
    return boto3.client(
        "stepfunctions", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )


def test_an_execution_is_woken_with_an_answer(stepfunctions):
    with Stubber(stepfunctions) as stub:
        expected = {"taskToken": "t", "output": json.dumps({"what": "look"})}
        stub.add_response("send_task_success", {}, expected)

        assert TaskTokens(stepfunctions).wake("t", {"what": "look"})


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_one_that_waits_no_more_cannot_be_woken(stepfunctions, code):
    with Stubber(stepfunctions) as stub:
        stub.add_client_error("send_task_success", code)

        assert not TaskTokens(stepfunctions).wake("t", {})


def test_one_that_never_waited_is_not_asked(stepfunctions):
    assert not TaskTokens(stepfunctions).wake("", {})


def test_the_highest_version_that_was_deployed_never_becomes_less(log):
    assert log.newest_deployed() == 0

    for version in (3, 2, 3, 5, 4):
        log.note_deployed(version)

    assert log.newest_deployed() == 5
    assert list(log.newest_first()) == []
