from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace.aws.training_log import Champion
from headrace.config.pipeline import Pipeline
from lambdas.plan_batch.handler import Ports, UnnamedModelError, plan_batch
from tests.unit.lambdas.answered_files import FakeLedger, file

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CHAMPION = Champion(3, "arn", "s3://b/m", "v3", "t", "t", "h", name="headrace-bike-v3-0a1b2c3d")


def pipeline(**batch):
    return Pipeline(
        name="bike", problem="regression", target="cnt", endpoint={"kind": "batch", "batch": batch}
    )


class Cloud:
    """A ledger, a model, and the executions that run."""

    def __init__(self, champion=CHAMPION):
        self.ledger, self.model, self.ended = FakeLedger(), champion, set()

    def champion(self):
        return self.model

    def is_running(self, execution):
        return execution not in self.ended

    def plan(self, dropped, execution="e1", now=NOW, **batch):
        event = {"file": asdict(dropped), "execution": execution}
        return plan_batch(event, pipeline(**batch), Ports(self.ledger, self, self), now)


@pytest.fixture
def cloud():
    return Cloud()


def test_a_file_is_answered_by_the_model_in_service(cloud):
    plan = cloud.plan(file())

    assert (plan["action"], plan["model"], plan["variant"]) == ("predict", CHAMPION.name, "v3")
    assert plan["folder"] == f"transform/{plan['name']}/"
    assert len(f"{plan['name'].replace('bike', 'b' * 24)}-10") <= 63


def test_two_attempts_at_a_file_have_jobs_of_their_own(cloud):
    first = cloud.plan(file(), "e1")
    cloud.ledger.end(cloud.ledger.find(file()), state="failed")

    assert cloud.plan(file(), "e2")["name"] != first["name"]


def test_a_file_waits_for_the_first_model():
    cloud = Cloud(champion=None)

    plan = cloud.plan(file())

    assert (plan["action"], plan["why"]) == ("wait", "there is no model in service yet")
    assert cloud.plan(file(), now=NOW + timedelta(hours=1))["again_in_s"] == 180
    cloud.model = CHAMPION
    assert cloud.plan(file(), now=NOW + timedelta(hours=2))["action"] == "predict"


def test_files_are_answered_in_the_order_in_which_they_were_dropped_and_so_many_at_once(cloud):
    files = [file(f"{hour}.csv", dropped_at=f"2026-01-31T0{hour}:00:00Z") for hour in range(5)]
    actions = [cloud.plan(each, each.key, max_concurrent=2)["action"] for each in files]

    assert actions == ["predict", "predict", "wait", "wait", "wait"]
    cloud.ledger.end(cloud.ledger.find(files[0]), state="predicted")
    assert cloud.plan(files[3], files[3].key, max_concurrent=2)["action"] == "wait"
    assert cloud.plan(files[2], files[2].key, max_concurrent=2)["action"] == "predict"


def test_who_has_many_files_before_him_asks_less_often(cloud):
    files = [file(f"{number:02}.csv", dropped_at=f"2026-01-31T00:00:{number:02}Z") for number in range(60)]
    waits = [cloud.plan(each, each.key, max_concurrent=2).get("again_in_s") for each in files]

    assert waits[2:5] == [5, 10, 15]
    assert waits[-1] == 290


def test_a_file_whose_execution_was_stopped_does_not_block_the_others(cloud):
    first, second = file("a.csv"), file("b.csv", dropped_at="2026-01-31T11:00:00Z")
    cloud.plan(first, "stopped", max_concurrent=1)
    cloud.ended.add("stopped")

    assert cloud.plan(second, "e2", max_concurrent=1)["action"] == "predict"
    assert cloud.ledger.find(first).state == "failed"
    assert "stopped" in cloud.ledger.find(first).why


def test_the_same_version_is_answered_once(cloud):
    cloud.plan(file(), "e1")
    assert cloud.plan(file(), "e2") == {"action": "skip", "why": "e1 is at it"}

    cloud.ledger.end(cloud.ledger.find(file()), state="predicted")
    assert cloud.plan(file(), "e3")["action"] == "skip"
    assert cloud.plan(file(version="v2"), "e4")["action"] == "predict"


def test_a_file_that_failed_may_come_again(cloud):
    cloud.plan(file(), "e1")
    cloud.ledger.end(cloud.ledger.find(file()), state="failed")

    assert cloud.plan(file(), "e2")["action"] == "predict"


def test_a_file_is_taken_over_from_an_execution_that_was_stopped(cloud):
    cloud.plan(file(), "e1")
    cloud.ended.add("e1")

    assert cloud.plan(file(), "e2")["action"] == "predict"
    assert cloud.ledger.find(file()).execution == "e2"


def test_a_model_whose_name_nobody_noted_is_an_error_that_says_what_to_do(cloud):
    cloud.model = replace(CHAMPION, name="")

    with pytest.raises(UnnamedModelError, match="train and deploy another"):
        cloud.plan(file())
