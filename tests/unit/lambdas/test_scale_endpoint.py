import json

import pytest

from headrace.aws.endpoints import Endpoint
from headrace.config.pipeline import Pipeline
from lambdas.scale_endpoint.handler import scale_endpoint

PLAN = {"action": "deploy", "instances": 4}
SERVING = Endpoint("InService", "new", "", ("v4",), 4)


class World:
    """An endpoint and its scalable targets in memory."""

    def __init__(self, endpoint, scaled=()):
        self.endpoint, self.scaled, self.sizes = endpoint, set(scaled), []

    def find(self, name):
        return self.endpoint

    def resize(self, name, variant, instances):
        self.sizes.append((name, variant, instances))

    def start(self, endpoint, variant, scaling):
        self.scaled.add((variant, scaling.max))

    def stop(self, endpoint, *, keep=()):
        gone = {target for target in self.scaled if target[0] not in keep}
        self.scaled -= gone
        return sorted(variant for variant, _ in gone)


@pytest.fixture
def pipeline():
    scaling = {"min": 2, "max": 8, "target": 600}
    endpoint = {"kind": "realtime", "scaling": scaling}
    return Pipeline(name="bike", problem="regression", target="cnt", endpoint=endpoint)


def run(world, pipeline, action, plan=PLAN):
    return scale_endpoint({"action": action, "plan": plan}, pipeline, world, world)


def test_before_an_update_no_variant_is_a_scalable_target(pipeline):
    world = World(Endpoint("Updating", "old", "", ("v3",), 3), scaled=[("v3", 8)])

    state = run(world, pipeline, "stop")

    assert world.scaled == set()
    assert state == {"variants": [], "settled": False}  # instances are still being added: no update yet


def test_afterwards_what_serves_scales_and_what_is_gone_does_not(pipeline):
    world = World(SERVING, scaled=[("v3", 8)])

    state = run(world, pipeline, "start")

    assert world.scaled == {("v4", 8)}
    assert state == {"variants": ["v4"], "settled": True}
    assert world.sizes == []


def test_during_a_release_nothing_scales_whatever_the_pipeline_file_says_meanwhile(pipeline):
    world = World(Endpoint("InService", "headrace-bike-v4-0a1b2c3d-release", "", ("v3", "v4"), 5))

    state = scale_endpoint({"action": "start"}, pipeline, world, world)

    assert world.scaled == set()
    assert state == {"variants": [], "settled": True}


@pytest.mark.parametrize(("instances", "sizes"), [(2, [("headrace-bike", "v3", 4)]), (6, [])])
def test_what_comes_back_has_as_many_instances_as_there_were(pipeline, instances, sizes):
    world = World(Endpoint("InService", "old", "", ("v3",), instances))

    run(world, pipeline, "restore")

    assert world.sizes == sizes
    assert world.scaled == {("v3", 8)}


def test_without_an_endpoint_nothing_scales_and_nothing_is_left(pipeline):
    world = World(None, scaled=[("v3", 8)])

    assert run(world, pipeline, "start") == {"variants": [], "settled": True}
    assert world.scaled == set()


def test_a_deployment_that_never_had_its_turn_leaves_scaling_alone(pipeline):
    world = World(SERVING, scaled=[("v4", 3)])

    run(world, pipeline, "stop", plan={})
    run(world, pipeline, "restore", plan={"action": "wait"})

    assert world.scaled == {("v4", 3)}


def test_cloudformation_asks_without_a_plan(pipeline):
    world = World(SERVING)

    state = scale_endpoint({"action": "start"}, pipeline, world, world)

    assert json.loads(json.dumps(state))["variants"] == ["v4"]
