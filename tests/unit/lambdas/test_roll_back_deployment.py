import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headrace.aws.endpoints import Endpoint
from headrace.aws.release_log import Decision
from headrace.aws.training_log import Champion, LastTraining
from lambdas.roll_back_deployment.handler import Ports, roll_back_deployment
from tests.unit.lambdas import releases
from tests.unit.lambdas.releases import Alarms, Events, MemoryReleases

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLAN = {
    **releases.ALL_AT_ONCE,
    "action": "deploy",
    "endpoint": "headrace-bike",
    "endpoint_exists": True,
    "previous_config": "old",
    "name": "new",
    "model_package_arn": "arn:3",
}
EVENT = {"plan": PLAN, "execution": "e1", "error": {"Error": "SmokeTestError", "Cause": "answered 500"}}
LAST = LastTraining("e0", "t", "t", "registered", "", False, "h", "f", 700, True)


class World:
    def __init__(self, endpoint=None, champion=None):
        self.endpoint, self._champion, self._last = endpoint, champion, LAST
        self.moved, self.deleted, self.rejected, self.released, self.counted = [], [], [], [], []
        self.releases, self.alarms, self.events = MemoryReleases(releases.running()), Alarms(), Events()

    def find(self, name):
        return self.endpoint

    def point_to(self, name, config):
        self.moved.append(config)
        self.endpoint = Endpoint("Updating", "new", "")

    def delete_step(self, name):
        gone, self.endpoint = self.endpoint is None, None
        return gone

    def delete_deployment(self, name):
        self.deleted.append(name)

    def reject(self, arn, why):
        self.rejected.append((arn, why))

    def champion(self):
        return self._champion

    def last(self):
        return self._last

    def record(self, training):
        self._last = training

    def release(self, kind, execution):
        self.released.append((kind, execution))

    def put(self, metrics):
        self.counted.append(metrics)


def step(world, event=EVENT):
    ports = Ports(world, world, world, world.releases, world.alarms, world.events, world)
    return roll_back_deployment(event, ports, NOW)


@pytest.fixture
def champion():
    return Champion(2, "arn", "s3://b/m", "v2", "t", "t", "h")


def test_a_live_endpoint_is_led_back_and_the_model_rejected_with_the_reason(champion):
    world = World(Endpoint("InService", "new", ""), champion)

    first = step(world)
    waiting = step(world)
    world.endpoint = Endpoint("InService", "old", "")
    last = step(world)

    assert [s["done"] for s in (first, waiting, last)] == [False, False, True]
    assert world.moved == ["old"]
    assert world.deleted == ["new"]
    assert world.rejected == [("arn:3", "the deployment failed: SmokeTestError: answered 500")]
    assert world.released == [("deployment", "e1")]


def test_an_update_that_sagemaker_itself_rolled_back_needs_nothing_more(champion):
    world = World(Endpoint("InService", "old", ""), champion)

    assert step(world)["done"]
    assert world.moved == []


def test_a_first_endpoint_is_deleted_and_the_next_data_may_train_again():
    world = World(Endpoint("Failed", "new", "no"))
    event = {**EVENT, "plan": {**PLAN, "endpoint_exists": False, "previous_config": None}}

    answers = [step(world, event)["done"], step(world, event)["done"]]

    assert answers == [False, True]
    assert world.last() == replace(LAST, has_model=False)


def test_with_a_champion_in_service_the_registered_model_is_not_forgotten(champion):
    world = World(Endpoint("InService", "old", ""), champion)

    step(world)

    assert world.last().has_model


def test_a_failure_before_the_plan_only_gives_the_lock_back():
    world = World()

    assert step(world, {**EVENT, "plan": {}})["done"]
    assert world.released == [("deployment", "e1")]
    assert world.rejected == []


def released(error, cause="1 % of 400 answers were errors", decision=None, **plan):
    """Roll a release back in one step."""
    world = World(Endpoint("InService", "headrace-bike-v3-00000000", ""))
    world.releases = MemoryReleases(releases.running(decision=decision), waiting="arn:5")
    event = {
        "plan": {**releases.PLAN, **plan},
        "execution": "e1",
        "error": {"Error": error, "Cause": cause},
    }
    return world, step(world, event)


@pytest.mark.parametrize("config", ["headrace-bike-v4-0a1b2c3d-release", "headrace-bike-v4-0a1b2c3d"])
def test_a_release_goes_back_to_the_champions_configuration_from_whatever_it_has_made(config):
    world = World(Endpoint("InService", config, ""))

    answer = step(world, {**EVENT, "plan": releases.PLAN})

    assert (answer["done"], world.moved) == (False, ["headrace-bike-v3-00000000"])
    assert world.rejected == []


@pytest.mark.parametrize("error", ["ReleaseWithdrawn", "ReleaseLost"])
def test_a_release_that_is_withdrawn_is_rejected_told_and_written_down(error):
    world, answer = released(error)

    assert answer == {"done": True, "failed": True, "why": "1 % of 400 answers were errors"}
    assert world.rejected == [("arn:4", "the release was withdrawn: 1 % of 400 answers were errors")]
    (entry,) = world.releases.entries
    assert (entry.event, entry.by, entry.share) == ("withdrawn", "release", 0.0)
    assert world.counted == [{"DeploymentFailed": 1}]


def test_what_a_person_takes_back_is_no_failure():
    decision = Decision("rollback", "arn:ann", "complaints")

    world, answer = released("ReleaseTakenBack", "arn:ann: complaints", decision)

    assert answer["failed"] is False
    (entry,) = world.releases.entries
    assert (entry.event, entry.by, entry.why) == ("withdrawn", "arn:ann", "complaints")
    assert world.rejected == [("arn:4", "the release was withdrawn: arn:ann: complaints")]
    assert world.counted == [{"ReleaseTakenBack": 1}]


def test_after_a_release_nothing_of_it_is_left_and_who_waits_has_their_turn():
    world, _ = released("ReleaseWithdrawn")

    assert world.deleted == ["headrace-bike-v4-0a1b2c3d"]
    assert (world.alarms.deleted, world.releases.running()) == (1, None)
    assert world.released == [("deployment", "e1")]
    assert world.events.put_ == [("NextDeployment", {"ModelPackageArn": "arn:5"})]


def test_a_way_back_that_fails_keeps_the_version_that_it_should_have_led_to():
    world, answer = released("SmokeTestError", "answered 500", action="roll_back", release=None)

    assert (answer["done"], answer["failed"]) == (True, True)
    assert (world.deleted, world.rejected) == ([], [])
    assert [entry.event for entry in world.releases.entries] == ["failed"]


def test_why_a_function_has_failed_is_its_sentence_without_its_traceback(champion):
    cause = json.dumps({"errorMessage": "changed: a checksum differs", "errorType": "M", "stackTrace": ["x"]})
    world = World(Endpoint("InService", "old", ""), champion)

    told = step(world, {**EVENT, "error": {"Error": "ModelRefusedError", "Cause": cause}})

    assert told["why"] == "ModelRefusedError: changed: a checksum differs"
    assert world.rejected == [
        ("arn:3", "the deployment failed: ModelRefusedError: changed: a checksum differs")
    ]
