from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from headrace.aws.release_log import Decision
from headrace.aws.training_log import Champion
from lambdas.publish_model.handler import Ports, publish_model
from lambdas.remove_previous.handler import Ports as RemovalPorts
from lambdas.remove_previous.handler import remove_previous
from tests.unit.lambdas import releases
from tests.unit.lambdas.releases import Alarms, Events, MemoryReleases

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLAN = {
    **releases.ALL_AT_ONCE,
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
        self.published, self.crowned, self.events, self.released, self.rejected = [], None, [], [], []

    def publish(self, plan):
        self.published.append(plan)

    def put(self, *args):
        if len(args) == 2:
            self.events.append(args)

    def champion(self):
        return self.crowned

    def crown(self, champion):
        self.crowned = champion

    def reject(self, arn, why):
        self.rejected.append((arn, why))

    def delete_unused(self, endpoint, *, keep):
        self.kept = keep
        return ["headrace-bike-v2-00000000"]

    def release(self, kind, execution):
        self.released.append((kind, execution))


def publish(world, plan=PLAN, *, log=None, **event):
    log = log or MemoryReleases()
    ports = Ports(world, world, log, world, world, world)
    publish_model({"plan": plan, "execution": "e1", **event}, ports, NOW)
    return log


def test_a_deployed_model_is_watched_by_its_own_documents_and_becomes_the_champion():
    world = World()

    publish(world)

    assert world.published == [PLAN]
    assert (world.crowned.version, world.crowned.variant, world.crowned.snapshot) == (3, "v3", "h")
    assert world.events == [("ModelDeployed", {"version": 3, "endpoint": "headrace-bike"})]


def champion(version, previous=None, name="headrace-bike-v2-00000000"):
    return Champion(version, f"arn:{version}", "s3://b/m", f"v{version}", "t", "t", "h", name, "", previous)


def test_the_champion_remembers_the_one_before_and_not_those_before_that():
    world = World()
    world.crowned = champion(2, champion(1).as_previous())

    publish(world)

    assert world.crowned.way_back == champion(2)


def test_a_champion_of_an_earlier_release_of_headrace_is_found_by_the_configuration_in_service():
    world = World()
    world.crowned = champion(2, name="")

    publish(world, {**PLAN, "previous_config": "headrace-bike-v2-11111111"})

    assert world.crowned.way_back.name == "headrace-bike-v2-11111111"


@pytest.mark.parametrize("change", [{"endpoint_exists": False}, {"version": 2}])
def test_what_does_not_serve_any_more_is_no_way_back(change):
    world = World()
    world.crowned = champion(2)

    publish(world, {**PLAN, **change})

    assert world.crowned.way_back is None


def test_publishing_twice_does_not_forget_the_way_back():
    world = World()
    world.crowned = champion(2)

    for _ in range(2):
        publish(world)

    assert world.crowned.way_back == champion(2)


def test_a_version_that_was_gone_back_from_is_rejected_so_that_it_does_not_come_back():
    world = World()
    world.crowned = champion(4, champion(3).as_previous())
    plan = {**PLAN, "action": "roll_back", "by": "arn:ann", "why": "complaints", "rejects": "arn:4"}

    log = publish(world, plan)

    assert world.rejected == [("arn:4", "rolled back by arn:ann: complaints")]
    assert (world.crowned.version, world.crowned.way_back) == (3, None)
    assert [(entry.event, entry.by, entry.why) for entry in log.entries] == [
        ("rolled_back", "arn:ann", "complaints")
    ]


def test_the_history_says_who_promoted_a_model_and_why():
    decision = Decision("promote", "arn:ann", "good enough")
    judged = {"why": "no alarm in 20 minutes"}
    cases = {
        "all at once": publish(World()),
        "by itself": publish(World(), releases.PLAN, judged=judged),
        "by a person": publish(
            World(), releases.PLAN, log=MemoryReleases(releases.running(decision=decision)), judged=judged
        ),
    }

    told = {case: [(e.event, e.by, e.why) for e in log.entries] for case, log in cases.items()}
    assert told == {
        "all at once": [("deployed", "approval", "v4 was approved")],
        "by itself": [("promoted", "release", "no alarm in 20 minutes")],
        "by a person": [("promoted", "arn:ann", "good enough")],
    }


def test_a_model_that_could_not_be_announced_is_not_written_down_either():
    world, log = World(), MemoryReleases()
    world.put = lambda *args: 1 / 0

    with pytest.raises(ZeroDivisionError):
        publish(world, {**PLAN, "endpoint_exists": False}, log=log)

    assert (world.crowned, log.entries) == (None, [])


def test_a_model_whose_history_could_not_be_written_is_not_the_champion():
    world, log = World(), MemoryReleases()
    log.add = lambda entry: 1 / 0

    with pytest.raises(ZeroDivisionError):
        publish(world, log=log)

    assert world.crowned is None


def remove(world, log):
    alarms, events = Alarms(), Events()
    answer = remove_previous(
        {"plan": PLAN, "execution": "e1"}, RemovalPorts(world, alarms, world, log, events)
    )
    return answer, alarms, events


def test_the_live_deployment_and_the_last_good_one_stay_and_the_next_may_begin():
    world, log = World(), MemoryReleases(releases.running(), waiting="arn:5")
    world.crowned = champion(3, asdict(champion(2)), name=PLAN["name"])

    answer, alarms, events = remove(world, log)

    assert world.kept == {"headrace-bike-v3-0a1b2c3d", "headrace-bike-v2-00000000"}
    assert answer["removed"] == ["headrace-bike-v2-00000000"]
    assert (world.released, log.running(), alarms.deleted) == ([("deployment", "e1")], None, 1)
    assert events.put_ == [("NextDeployment", {"ModelPackageArn": "arn:5"})]


def test_the_next_may_begin_even_if_something_could_not_be_removed():
    world, log = World(), MemoryReleases(releases.running())
    world.delete_unused = lambda endpoint, *, keep: 1 / 0

    with pytest.raises(ZeroDivisionError):
        remove(world, log)

    assert (world.released, log.running()) == ([("deployment", "e1")], None)
