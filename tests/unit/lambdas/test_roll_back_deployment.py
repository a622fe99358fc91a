from dataclasses import replace

import pytest

from headrace.aws.endpoints import Endpoint
from headrace.aws.training_log import Champion, LastTraining
from lambdas.roll_back_deployment.handler import Ports, roll_back_deployment

PLAN = {
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
    return roll_back_deployment(event, Ports(world, world, world, world))


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
