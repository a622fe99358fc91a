"""Serverless variants: containers come with requests, stay warm for a while, and go."""

import threading

import pytest

from local_cloud.sagemaker.errors import ApiError, JobError
from local_cloud.sagemaker.serverless import Serverless
from local_cloud.sagemaker.warm_pool import IDLE_S
from tests.unit.local_cloud.sagemaker.hosting import Hosting, Server, variant


def serverless(model="a", **config):
    return variant("v", model, ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 10, **config})


def pass_time(hosting, seconds):
    """Let time pass, and end what is idle then."""
    hosting.around.clock.time += seconds
    hosting.engine.endpoints.traffic.end_idle()


def asking(hosting, count):
    """Have so many requests under way at the same time; return their threads."""
    hosting.hold("a")
    threads = [threading.Thread(target=hosting.ask, args=("e",)) for _ in range(count)]
    for thread in threads:
        thread.start()
        assert hosting.entered.acquire(timeout=10)
    return threads


def let_go(hosting, threads):
    hosting.release()
    for thread in threads:
        thread.join()


# --- cold starts


def test_the_first_container_comes_with_the_endpoint_and_its_requests_wait_for_no_start(hosting):
    hosting.start("e", serverless())

    hosting.ask("e")

    assert hosting.running() == ["a"]
    assert hosting.measured("v", "ModelSetupTime") == []


def test_a_container_that_nobody_asks_ends_and_the_next_request_starts_another(hosting):
    hosting.start("e", serverless())
    pass_time(hosting, IDLE_S)
    idle = hosting.running()

    answer = hosting.ask("e")

    assert idle == []
    assert answer == ("a:x", "v")
    assert hosting.running() == ["a"]
    assert len(hosting.measured("v", "ModelSetupTime")) == 1


def test_every_request_keeps_its_container_warm(hosting):
    hosting.start("e", serverless())

    for _ in range(3):
        pass_time(hosting, IDLE_S - 1)
        hosting.ask("e")

    assert hosting.measured("v", "ModelSetupTime") == []


def test_a_cold_start_is_overhead_and_not_the_models_latency(hosting):
    hosting.start("e", serverless())
    pass_time(hosting, IDLE_S)

    hosting.ask("e")

    [setup], [overhead] = hosting.measured("v", "ModelSetupTime"), hosting.measured("v", "OverheadLatency")
    assert overhead >= setup > 0


def test_a_cold_start_that_fails_is_the_endpoints_error_and_not_its_end(hosting):
    hosting.start("e", serverless())
    pass_time(hosting, IDLE_S)
    environment = hosting.engine.records.get("Model", "a")["PrimaryContainer"]["Environment"]
    environment["BROKEN"] = "yes"

    with pytest.raises(ApiError, match="ping health check") as failure:
        hosting.ask("e")
    del environment["BROKEN"]

    assert failure.value.code == "ModelError"
    assert hosting.measured("v", "Invocation5XXErrors") == [1.0]
    assert hosting.ask("e") == ("a:x", "v")


# --- requests at the same time


def test_requests_at_the_same_time_have_containers_of_their_own_which_go_later(hosting):
    hosting.start("e", serverless())

    threads = asking(hosting, 3)
    together = hosting.running()
    let_go(hosting, threads)
    pass_time(hosting, IDLE_S)

    assert together == ["a"] * 3
    assert len(hosting.measured("v", "ModelSetupTime")) == 2
    assert hosting.running() == []


def test_requests_share_the_containers_that_this_machine_has_room_for(tmp_path):
    hosting = Hosting(tmp_path, servers=2)
    hosting.model("a")
    hosting.start("e", serverless())

    threads = asking(hosting, 4)
    together = hosting.running()
    let_go(hosting, threads)

    assert together == ["a"] * 2
    assert [len(server.requests) for server in hosting.servers] == [2, 2]


def test_a_container_that_works_is_not_idle(hosting):
    hosting.start("e", serverless())

    threads = asking(hosting, 1)
    pass_time(hosting, 2 * IDLE_S)
    working = hosting.running()
    let_go(hosting, threads)

    assert working == ["a"]


# --- provisioned concurrency


def test_provisioned_containers_are_there_from_the_start_and_stay(hosting):
    hosting.start("e", serverless(ProvisionedConcurrency=2))
    at_first = hosting.running()

    pass_time(hosting, 2 * IDLE_S)

    assert at_first == hosting.running() == ["a"] * 2


def test_no_container_is_left_if_one_of_those_that_are_provisioned_is_not_healthy(hosting):
    models = iter([{"ModelName": "a", "Containers": [{}]}])

    def start():
        model = next(models, None)
        if model is None:
            raise JobError("The primary container did not pass the ping health check.")
        return Server(hosting, model)

    with pytest.raises(JobError, match="ping health check"):
        Serverless(start, {"MaxConcurrency": 10, "ProvisionedConcurrency": 2}, 4, hosting.around.clock)

    assert len(hosting.servers) == 1
    assert hosting.running() == []


def test_provisioned_concurrency_can_be_changed(hosting):
    hosting.start("e", serverless(ProvisionedConcurrency=1))

    more = hosting.change("e", v={"ServerlessUpdateConfig": {"ProvisionedConcurrency": 3}})
    after_more = hosting.running()
    hosting.change("e", v={"ServerlessUpdateConfig": {"ProvisionedConcurrency": 1}})
    pass_time(hosting, IDLE_S)

    [state] = more["ProductionVariants"]
    assert state["CurrentServerlessConfig"]["ProvisionedConcurrency"] == 3
    assert after_more == ["a"] * 3
    assert hosting.running() == ["a"]


def test_requests_beyond_the_provisioned_concurrency_are_counted_as_spillover(hosting):
    hosting.start("e", serverless(ProvisionedConcurrency=1))

    let_go(hosting, asking(hosting, 2))

    prefix = "ServerlessProvisionedConcurrency"
    assert sorted(hosting.measured("v", f"{prefix}Executions")) == [1.0, 2.0]
    assert sorted(hosting.measured("v", f"{prefix}Utilization")) == [1.0, 2.0]
    assert sorted(hosting.measured("v", f"{prefix}Invocations")) == [0.0, 1.0]
    assert sorted(hosting.measured("v", f"{prefix}SpilloverInvocations")) == [0.0, 1.0]


def test_an_endpoint_that_is_deleted_leaves_no_container(hosting):
    hosting.start("e", serverless(ProvisionedConcurrency=2))
    fleet = hosting.engine.endpoints.traffic.fleet("e")

    hosting.call("DeleteEndpoint", EndpointName="e")
    fleet.drain()

    assert hosting.running() == []
