from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headrace.aws.endpoints import Endpoint
from headrace.aws.registry import Package
from headrace.aws.training_log import Champion, Lock
from headrace.config.pipeline import Pipeline
from lambdas.decide_release.handler import decide_release
from lambdas.decide_release.ports import Ports
from tests.unit.lambdas.releases import ALL_AT_ONCE, Events, MemoryReleases, Tokens, running

NOW = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
BACK = Champion(3, "arn:3", "s3://b/3", "v3", "t", "t3", "h3", "headrace-bike-v3-00000000", "run-3")
CHAMPION = Champion(
    4, "arn:4", "s3://b/4", "v4", "t", "t4", "h4", "headrace-bike-v4-00000000", "run-4", BACK.as_previous()
)
SERVING = Endpoint("InService", CHAMPION.name, "")
ROLL_BACK = {"decision": "rollback", "by": "arn:ann", "why": "complaints"}
PROMOTE = {"decision": "promote", "by": "arn:ann", "why": "good enough"}
ALARM = {"alarmName": "headrace-bike-release-errors", "state": {"value": "ALARM", "reason": "3 > 1"}}
LOST = {"executionArn": "e1", "status": "ABORTED"}


class World:
    def __init__(self, champion=CHAMPION, endpoint=SERVING, lock=None, live=("e1",)):
        self._champion, self.endpoint, self.lock, self.live = champion, endpoint, lock, live
        self.released = []

    def find(self, name):
        return self.endpoint

    def champion(self):
        return self._champion

    def acquire(self, kind, lock, *, stale_after):
        if self.lock is None:
            self.lock = lock
            return None
        return self.lock

    def take_over(self, kind, lock, *, of):
        if self.lock is None or self.lock.execution != of:
            return False
        self.lock = lock
        return True

    def release(self, kind, execution):
        self.released.append(execution)

    def is_running(self, execution):
        return execution in self.live


class Packages:
    def find(self, arn):
        status = {"arn:x/1": "Approved", "arn:x/2": "Rejected"}.get(arn)
        if status is None:
            return None
        version = int(arn[-1])
        return Package(
            arn, version, status, "t1", "image:1", f"s3://b/{version}", {}, {"run": f"run-{version}"}
        )


def decide(request, releases=None, world=None, tokens=None, events=None):
    world, tokens = world or World(), tokens or Tokens("token-1")
    pipeline = Pipeline(name="bike", problem="regression", target="cnt")
    ports = Ports(
        pipeline, world, Packages(), world, releases or MemoryReleases(), tokens, world, events or Events()
    )
    return decide_release({"request": request, "execution": "e2"}, ports, NOW)


@pytest.mark.parametrize("request_", [ROLL_BACK, PROMOTE])
def test_a_release_that_runs_is_told_and_the_history_says_by_whom(request_):
    releases, tokens = MemoryReleases(running()), Tokens("token-1")

    answer = decide(request_, releases, tokens=tokens)

    wish = {"what": request_["decision"], "by": "arn:ann", "why": request_["why"]}
    assert (answer["action"], answer["execution"]) == ("told", "e1")
    assert tokens.woken == [("token-1", wish)]
    assert releases.running().decision.what == request_["decision"]
    (entry,) = releases.entries
    assert (entry.event, entry.by, entry.share) == ("told", "arn:ann", 0.1)


def test_one_that_does_not_wait_just_now_finds_the_decision_when_it_does():
    releases = MemoryReleases(running(token=""))

    assert decide(ROLL_BACK, releases, tokens=Tokens())["action"] == "told"
    assert releases.running().decision.why == "complaints"


def test_with_no_release_a_roll_back_goes_to_the_last_good_version_whose_deployment_is_kept():
    releases, world = MemoryReleases(), World()

    answer = decide(ROLL_BACK, releases, world)

    plan = answer["plan"]
    assert answer["action"] == "roll_back"
    assert (plan["name"], plan["version"], plan["variant"]) == (BACK.name, 3, "v3")
    assert (plan["previous_config"], plan["rejects"]) == (CHAMPION.name, "arn:4")
    assert (plan["by"], plan["why"], plan["run"]) == ("arn:ann", "complaints", "run-3")
    assert world.lock == Lock("e2", NOW.isoformat(), "v3")
    assert releases.running().plan == plan


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (World(champion=None), "no earlier version is kept"),
        (World(champion=replace(CHAMPION, previous=None)), "no earlier version is kept"),
        (World(endpoint=None), "the endpoint is gone"),
        (World(endpoint=Endpoint("Updating", "c", "")), "the endpoint is Updating"),
        (World(lock=Lock("e9", "t", "v5")), "e9 is deploying v5"),
    ],
)
def test_a_roll_back_that_cannot_be_is_refused_with_the_reason(world, why):
    releases = MemoryReleases()

    answer = decide(ROLL_BACK, releases, world)

    assert answer["action"] == "nothing"
    assert why in answer["why"]
    assert releases.running() is None


def test_with_no_release_there_is_nothing_to_promote():
    assert decide(PROMOTE)["action"] == "nothing"


def test_a_deployment_all_at_once_is_over_before_anybody_could_decide():
    answer = decide(ROLL_BACK, MemoryReleases(running(ALL_AT_ONCE)))

    assert answer["action"] == "nothing"
    assert "wait for its end" in answer["why"]


def test_an_alarm_wakes_the_release_to_look():
    tokens = Tokens("token-1")

    assert decide(ALARM, MemoryReleases(running()), tokens=tokens)["action"] == "told"
    assert tokens.woken == [("token-1", {"what": "look", "by": ALARM["alarmName"], "why": "3 > 1"})]


def test_an_alarm_without_a_release_changes_nothing():
    assert decide(ALARM)["action"] == "nothing"


@pytest.mark.parametrize("request_", [ALARM, ROLL_BACK, PROMOTE, LOST])
def test_a_release_whose_execution_has_ended_is_withdrawn_by_whoever_asks(request_):
    releases = MemoryReleases(running())
    world = World(lock=Lock("e1", "t", "v4"), live=())

    answer = decide(request_, releases, world, Tokens())

    assert (answer["action"], answer["plan"]["version"]) == ("withdraw", 4)
    assert (releases.running().execution, world.lock.execution) == ("e2", "e2")


def test_an_execution_that_was_stopped_before_it_began_gives_way_to_who_waits():
    world, events = World(lock=Lock("e1", "t", "v4")), Events()

    answer = decide(LOST, MemoryReleases(waiting="arn:5"), world, events=events)

    assert answer["action"] == "nothing"
    assert world.released == ["e1"]
    assert events.put_ == [("NextDeployment", {"ModelPackageArn": "arn:5"})]


def test_a_decision_that_is_none_fails():
    with pytest.raises(ValueError, match="promote or rollback"):
        decide({"decision": "delete everything"})


IN_GROUP = replace(CHAMPION, model_package_arn="arn:x/4")


def test_going_back_to_an_approved_version_that_is_kept_no_more_deploys_it_again_all_at_once():
    releases, world = MemoryReleases(), World(champion=IN_GROUP)

    answer = decide({**ROLL_BACK, "version": 1}, releases, world)

    plan = answer["plan"]
    assert (answer["action"], plan["action"]) == ("deploy", "deploy")
    assert (plan["version"], plan["model_package_arn"], plan["against"]) == (1, "arn:x/1", 4)
    assert (plan["release"], plan["rejects"], plan["previous_config"]) == (None, "arn:x/4", CHAMPION.name)
    assert (plan["by"], plan["why"], plan["run"]) == ("arn:ann", "complaints", "run-1")
    assert world.lock.reason == "v1"
    assert releases.running().plan == plan


def test_going_back_to_the_version_that_is_kept_by_its_number_makes_nothing():
    assert decide({**ROLL_BACK, "version": 3})["action"] == "roll_back"


@pytest.mark.parametrize(
    ("version", "why"),
    [(2, "v2 is Rejected"), (4, "v4 is in service already"), (9, "there is no v9")],
)
def test_a_version_that_is_not_approved_or_serves_or_is_none_is_not_gone_back_to(version, why):
    world = World(champion=IN_GROUP)

    answer = decide({**ROLL_BACK, "version": version}, world=world)

    assert answer["action"] == "nothing"
    assert why in answer["why"]
    assert world.lock is None


def test_nobody_goes_back_to_a_version_while_another_is_released():
    answer = decide({**ROLL_BACK, "version": 1}, MemoryReleases(running()))

    assert answer["action"] == "nothing"
    assert "wait for its end" in answer["why"]


def test_a_version_that_is_no_number_fails():
    with pytest.raises(ValueError, match="a number from 1 on"):
        decide({**ROLL_BACK, "version": "v1"})
