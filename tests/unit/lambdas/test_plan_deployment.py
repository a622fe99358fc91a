from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headrace.aws.endpoints import Endpoint
from headrace.aws.registry import Package
from headrace.aws.training_log import Champion, Lock
from headrace.config.pipeline import Pipeline
from lambdas.plan_deployment.handler import Ports, plan_deployment

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-bike/3"
PACKAGE = Package(
    ARN,
    3,
    "Approved",
    "2026-01-31T11:59:00+00:00",
    "image:1",
    "s3://b/model.tar.gz",
    {"A": "1"},
    {"content_hash": "h"},
)
CHAMPION = Champion(
    2, "arn:old", "s3://b/old.tar.gz", "v2", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "h0"
)
SERVING = Endpoint("InService", "headrace-bike-v2-00000000", "")


class World:
    """Registry, hosting and ledger in memory."""

    def __init__(self, package=PACKAGE, endpoint=None, champion=None, lock=None):
        self.package_, self.endpoint, self._champion, self.lock = package, endpoint, champion, lock
        self.deleted, self.begun, self.queued = [], [], []

    def package(self, arn):
        return self.package_

    def find(self, name):
        return self.endpoint

    def delete_step(self, name):
        self.deleted.append(name)
        return False

    def champion(self):
        return self._champion

    def acquire(self, kind, lock, *, stale_after):
        if self.lock and self.lock.execution != lock.execution:
            return self.lock
        self.lock = lock
        return None

    def begin(self, release):
        self.begun.append(release)

    def queue(self, arn, approved_at):
        self.queued.append(arn)

    def leave_queue(self, arn):
        self.queued = [waiting for waiting in self.queued if waiting != arn]


@pytest.fixture
def pipeline():
    return Pipeline(name="bike", problem="regression", target="cnt")


def plan(world, pipeline, execution="e1"):
    event = {"model_package_arn": ARN, "execution": execution}
    return plan_deployment(event, pipeline, Ports(world, world, world, world), NOW)


def test_a_first_model_gets_an_endpoint(pipeline):
    answer = plan(World(), pipeline)

    assert (answer["action"], answer["endpoint_exists"], answer["variant"]) == ("deploy", False, "v3")
    assert answer["name"].startswith("headrace-bike-v3-")
    assert answer["snapshot"] == "h"


def test_a_second_model_replaces_the_first(pipeline):
    answer = plan(World(endpoint=SERVING, champion=CHAMPION), pipeline)

    assert answer["endpoint_exists"]
    assert answer["previous_config"] == "headrace-bike-v2-00000000"


def test_an_older_version_that_an_erasure_marks_is_not_deployed_though_the_registry_says_that_it_has_changed(
    pipeline,
):
    """SageMaker tells that the package has changed, and a package says when it was changed, not when it was approved."""
    marked = replace(PACKAGE, metadata={**PACKAGE.metadata, "erasure": "somebody was erased"})
    newer = replace(CHAMPION, version=4)

    answer = plan(World(marked, endpoint=SERVING, champion=newer), pipeline)

    assert answer["action"] == "skip"
    assert "v3 is older than v4, and somebody was erased" in answer["why"]


def test_one_execution_always_plans_the_same_names(pipeline):
    assert plan(World(), pipeline)["name"] == plan(World(), pipeline)["name"]
    assert plan(World(), pipeline)["name"] != plan(World(), pipeline, "e2")["name"]


def test_a_serverless_container_captures_by_its_log_and_a_real_time_one_does_not(pipeline):
    realtime = Pipeline(name="bike", problem="regression", target="cnt", endpoint={"kind": "realtime"})

    serverless_environment = plan(World(), pipeline)["environment"]
    assert serverless_environment == {
        "A": "1",
        "HEADRACE_MODEL_VERSION": "v3",
        "HEADRACE_CAPTURE": "log",
        "HEADRACE_CAPTURE_SHARE": "1.0",
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
    }
    assert plan(World(), realtime)["environment"].keys() == {"A", "HEADRACE_MODEL_VERSION"}


def test_an_asynchronous_container_captures_by_its_log_and_takes_larger_requests():
    asynchronous = Pipeline(
        name="bike", problem="regression", target="cnt", endpoint={"kind": "asynchronous"}
    )

    environment = plan(World(), asynchronous)["environment"]
    assert (environment["HEADRACE_CAPTURE"], environment["HEADRACE_MAX_BODY_MB"]) == ("log", "50")
    assert "SAGEMAKER_MODEL_SERVER_WORKERS" not in environment


def test_the_container_is_told_which_engine_the_model_was_judged_by(pipeline):
    package = replace(PACKAGE, metadata={**PACKAGE.metadata, "engine": "skops"})

    assert plan(World(package), pipeline)["environment"]["HEADRACE_ENGINE"] == "skops"


def test_a_model_whose_approval_was_withdrawn_is_not_deployed(pipeline):
    assert plan(World(replace(PACKAGE, status="Rejected")), pipeline)["action"] == "skip"


def test_a_model_in_service_is_not_deployed_again(pipeline):
    champion = replace(CHAMPION, version=3)

    assert plan(World(endpoint=SERVING, champion=champion), pipeline)["action"] == "skip"


def test_an_older_approval_does_not_replace_a_newer_one(pipeline):
    champion = replace(CHAMPION, version=4, approved_at="2026-01-31T11:59:30+00:00")

    answer = plan(World(endpoint=SERVING, champion=champion), pipeline)

    assert answer["action"] == "skip"
    assert "v4" in answer["why"]


def test_an_old_version_that_is_approved_again_is_deployed_again(pipeline):
    champion = replace(CHAMPION, version=4, approved_at="2026-01-31T11:00:00+00:00")

    assert plan(World(endpoint=SERVING, champion=champion), pipeline)["action"] == "deploy"


def test_a_model_that_is_approved_during_another_deployment_waits_for_its_end(pipeline):
    world = World(lock=Lock("e0", NOW.isoformat(), "v2"))

    answer = plan(world, pipeline)

    assert answer["action"] == "queue"
    assert "e0" in answer["why"]
    assert world.queued == [ARN]


def test_a_deployment_that_ends_while_a_model_gets_into_the_queue_does_not_leave_it_there(pipeline):
    world = World(lock=Lock("e0", NOW.isoformat(), "v2"))
    world.queue = lambda arn, approved_at: (world.queued.append(arn), setattr(world, "lock", None))

    assert plan(world, pipeline)["action"] == "deploy"
    assert world.queued == []


@pytest.mark.parametrize("status", ["Creating", "Updating", "Deleting", "RollingBack"])
def test_an_endpoint_in_motion_is_waited_for(pipeline, status):
    world = World(endpoint=Endpoint(status, "c", ""), champion=CHAMPION)

    assert plan(world, pipeline)["action"] == "wait"


def test_an_endpoint_that_never_served_is_deleted_first(pipeline):
    world = World(endpoint=Endpoint("Failed", "c", "no capacity"))

    assert plan(world, pipeline)["action"] == "wait"
    assert world.deleted == ["headrace-bike"]


@pytest.mark.parametrize(("serving", "planned"), [(None, 2), (0, 2), (5, 5), (1, 2), (20, 8)])
def test_a_new_model_begins_with_as_many_instances_as_serve_now_if_they_follow_the_load(serving, planned):
    scaling = {"min": 2, "max": 8, "target": 600}
    scaled = Pipeline(
        name="bike", problem="regression", target="cnt", endpoint={"kind": "realtime", "scaling": scaling}
    )
    endpoint = None if serving is None else replace(SERVING, instances=serving)

    assert plan(World(endpoint=endpoint, champion=CHAMPION), scaled)["instances"] == planned


def test_a_number_of_instances_that_does_not_follow_the_load_is_the_files():
    fixed = Pipeline(
        name="bike", problem="regression", target="cnt", endpoint={"kind": "realtime", "instances": 3}
    )

    assert plan(World(endpoint=replace(SERVING, instances=7), champion=CHAMPION), fixed)["instances"] == 3


def test_a_deployment_is_written_down_before_it_changes_anything(pipeline):
    world = World()

    answer = plan(world, pipeline)

    (begun,) = world.begun
    assert (begun.execution, begun.plan, begun.step) == ("e1", answer, 0)


def test_while_the_endpoint_has_to_be_waited_for_nothing_has_begun(pipeline):
    world = World(endpoint=Endpoint("Updating", "c", ""), champion=CHAMPION)

    assert plan(world, pipeline)["action"] == "wait"
    assert world.begun == []


@pytest.fixture
def by_steps():
    return Pipeline(
        name="bike",
        problem="regression",
        target="cnt",
        endpoint={"kind": "realtime"},
        release={"strategy": "linear", "step": 0.5, "max_days": 2},
    )


def test_a_release_has_both_models_in_one_configuration(by_steps):
    answer = plan(World(endpoint=SERVING, champion=CHAMPION), by_steps)

    assert answer["release"] == {
        "strategy": "linear",
        "config": f"{answer['name']}-release",
        "champion": {"version": 2, "variant": "v2", "name": "headrace-bike-v2-00000000"},
        "challenger": {"version": 3, "variant": "v3", "name": answer["name"]},
        "started_at": "2026-01-31T12:00:00+00:00",
        "deadline": "2026-02-02T12:00:00+00:00",
        "shares": [0.5, 1.0],
        "interval_s": 600,
    }
    assert (answer["against"], answer["strategy"]) == (2, "linear")


@pytest.mark.parametrize(
    "world",
    [
        World(),
        World(endpoint=SERVING),
        World(endpoint=Endpoint("OutOfService", "c", ""), champion=CHAMPION),
        World(endpoint=Endpoint("OutOfService", "c", ""), champion=replace(CHAMPION, version=3)),
    ],
)
def test_where_nothing_serves_there_is_nothing_to_be_released_against(by_steps, world):
    answer = plan(world, by_steps)

    assert (answer["action"], answer["release"], answer["strategy"]) == ("deploy", None, "all_at_once")


def test_the_lock_of_a_release_lasts_as_long_as_the_release_may(by_steps):
    world = World(endpoint=SERVING, champion=CHAMPION)

    plan(world, by_steps)

    assert world.lock.until == "2026-02-02T13:30:00+00:00"


def test_the_way_back_is_the_champions_own_configuration_whatever_a_lost_release_has_left(pipeline):
    champion = replace(CHAMPION, name="headrace-bike-v2-00000000")
    left = Endpoint("InService", "headrace-bike-v9-11111111-release", "")

    assert plan(World(endpoint=left, champion=champion), pipeline)["previous_config"] == champion.name
