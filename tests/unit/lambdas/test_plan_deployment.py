from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headrace.aws.endpoints import Endpoint
from headrace.aws.registry import Package
from headrace.aws.training_log import Champion, Lock
from headrace.config.pipeline import Pipeline
from lambdas.plan_deployment.handler import plan_deployment

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
        self.package_, self.endpoint, self._champion, self.lock, self.deleted = (
            package,
            endpoint,
            champion,
            lock,
            [],
        )

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


@pytest.fixture
def pipeline():
    return Pipeline(name="bike", problem="regression", target="cnt")


def plan(world, pipeline, execution="e1"):
    event = {"model_package_arn": ARN, "execution": execution}
    return plan_deployment(event, pipeline, world, world, world, NOW)


def test_a_first_model_gets_an_endpoint(pipeline):
    answer = plan(World(), pipeline)

    assert (answer["action"], answer["endpoint_exists"], answer["variant"]) == ("deploy", False, "v3")
    assert answer["name"].startswith("headrace-bike-v3-")
    assert answer["snapshot"] == "h"


def test_a_second_model_replaces_the_first(pipeline):
    answer = plan(World(endpoint=SERVING, champion=CHAMPION), pipeline)

    assert answer["endpoint_exists"]
    assert answer["previous_config"] == "headrace-bike-v2-00000000"


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
    }
    assert "HEADRACE_CAPTURE" not in plan(World(), realtime)["environment"]


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


def test_two_deployments_take_turns(pipeline):
    world = World(lock=Lock("e0", NOW.isoformat(), "v2"))

    answer = plan(world, pipeline)

    assert answer["action"] == "wait"
    assert "e0" in answer["why"]


@pytest.mark.parametrize("status", ["Creating", "Updating", "Deleting", "RollingBack"])
def test_an_endpoint_in_motion_is_waited_for(pipeline, status):
    world = World(endpoint=Endpoint(status, "c", ""), champion=CHAMPION)

    assert plan(world, pipeline)["action"] == "wait"


def test_an_endpoint_that_never_served_is_deleted_first(pipeline):
    world = World(endpoint=Endpoint("Failed", "c", "no capacity"))

    assert plan(world, pipeline)["action"] == "wait"
    assert world.deleted == ["headrace-bike"]


def test_the_deadline_compares_with_step_functions_own_times(pipeline):
    assert plan(World(), pipeline)["deadline"] == "2026-01-31T12:45:00.000Z"


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
