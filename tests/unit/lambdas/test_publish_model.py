from datetime import UTC, datetime

import pytest

from lambdas.publish_model.handler import Ports, publish_model
from lambdas.remove_previous.handler import remove_previous

PLAN = {
    "endpoint": "headrace-bike",
    "name": "headrace-bike-v3-0a1b2c3d",
    "version": 3,
    "variant": "v3",
    "model_package_arn": "arn:3",
    "model_data_url": "s3://b/m.tar.gz",
    "approved_at": "2026-01-31T11:59:00+00:00",
    "snapshot": "h",
    "run": "run-1",
}


class World:
    def __init__(self):
        self.objects, self.crowned, self.events, self.released = {}, None, [], []
        self.documents = {"evaluations/run-1/performance.json": {"rows": 300}}

    def put(self, *args, **kwargs):
        if kwargs:
            self.objects[args[0]] = args[1]
        elif len(args) == 2:
            self.events.append(args)

    def load(self, key):
        return self.documents.get(key)

    def store(self, key, document):
        self.documents[key] = document

    def crown(self, champion):
        self.crowned = champion

    def delete_unused(self, endpoint, *, keep):
        self.kept = keep
        return ["headrace-bike-v2-00000000"]

    def release(self, kind, execution):
        self.released.append((kind, execution))


def test_a_deployed_model_is_watched_by_its_own_documents_and_becomes_the_champion():
    world = World()
    documents = {"baseline.json": b"baseline", "statistics.json": b"statistics"}
    ports = Ports({"s3://b/m.tar.gz": documents}.__getitem__, world, world, world, world)

    publish_model({"plan": PLAN}, ports, datetime(2026, 1, 31, 12, tzinfo=UTC))

    assert world.objects == {
        "baselines/v3/baseline.json": b"baseline",
        "baselines/v3/statistics.json": b"statistics",
    }
    assert (world.crowned.version, world.crowned.variant, world.crowned.snapshot) == (3, "v3", "h")
    assert world.events == [("ModelDeployed", {"version": 3, "endpoint": "headrace-bike"})]


def test_what_the_evaluation_knows_of_its_quality_is_published_with_it():
    world = World()
    ports = Ports(lambda url: {}, world, world, world, world)

    publish_model({"plan": PLAN}, ports, datetime(2026, 1, 31, 12, tzinfo=UTC))

    assert world.documents["baselines/v3/performance.json"] == {"rows": 300}


@pytest.mark.parametrize("plan", [{**PLAN, "run": "run-0"}, {**PLAN, "run": ""}])
def test_a_model_of_which_no_quality_is_known_is_published_without(plan):
    world = World()
    ports = Ports(lambda url: {}, world, world, world, world)

    publish_model({"plan": plan}, ports, datetime(2026, 1, 31, 12, tzinfo=UTC))

    assert world.crowned.variant == "v3"
    assert "baselines/v3/performance.json" not in world.documents


def test_all_but_the_live_deployment_is_removed_and_the_next_may_begin():
    world = World()

    answer = remove_previous({"plan": PLAN, "execution": "e1"}, world, world)

    assert world.kept == {"headrace-bike-v3-0a1b2c3d"}
    assert answer["removed"] == ["headrace-bike-v2-00000000"]
    assert world.released == [("deployment", "e1")]
