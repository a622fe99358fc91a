"""Several variants behind one endpoint: who answers, what is shown, what is refused, how they change."""

import threading
from collections import Counter

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.hosting import Hosting, variant

SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}


def refusal(call, *arguments, **keywords):
    """Return the words of the ``ValidationException`` that the call is refused with."""
    with pytest.raises(ApiError) as refused:
        call(*arguments, **keywords)
    assert refused.value.code == "ValidationException"
    return str(refused.value)


def shown(endpoint, *members):
    return [tuple(state[member] for member in members) for state in endpoint["ProductionVariants"]]


# --- configurations


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ([variant("a"), variant("a", model="b")], "Variant names must be unique, and a is given"),
        ([variant(f"v{i}", model="a") for i in range(11)], "length less than or equal to 10"),
        ([variant("a", ServerlessConfig=SERVERLESS), variant("b")], "supports only one production variant"),
        ([variant("a", InitialVariantWeight=0.0)], "must have a weight above 0"),
        ([{"VariantName": "a", "ModelName": "a"}], "Exactly one of ServerlessConfig and InstanceType"),
        ([{"VariantName": "a", "ModelName": "a", "InstanceType": "ml.m5.large"}], "InitialInstanceCount"),
        ([{"VariantName": "a", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}], "ModelName"),
        (
            [variant("a", ServerlessConfig={**SERVERLESS, "ProvisionedConcurrency": 3})],
            "ProvisionedConcurrency must be less than or equal to MaxConcurrency",
        ),
        ([variant("a", ServerlessConfig={**SERVERLESS, "MemorySizeInMB": 1500})], "MemorySizeInMB"),
        ([variant("a", ServerlessConfig={**SERVERLESS, "MaxConcurrency": 201})], "less than or equal to 200"),
        ([variant("none")], "Could not find model"),
    ],
)
def test_variants_that_cannot_be_behind_one_endpoint_are_refused(hosting, variants, words):
    assert words in refusal(hosting.configure, "config", *variants)


def test_a_weight_below_zero_is_refused_in_the_words_of_the_service_model(hosting):
    words = refusal(hosting.configure, "config", variant("a", InitialVariantWeight=-1.0))

    assert "InitialVariantWeight" in words


def test_a_model_without_a_network_cannot_be_serverless(hosting):
    model = hosting.engine.records.get("Model", "a")
    model["EnableNetworkIsolation"] = True

    words = refusal(hosting.configure, "config", variant("a", ServerlessConfig=SERVERLESS))

    assert "network isolation" in words


# --- who answers


def test_requests_are_shared_by_weight(hosting):
    hosting.start("e", variant("a", InitialVariantWeight=3.0), variant("b", InitialVariantWeight=1.0))

    answers = Counter(hosting.ask("e") for _ in range(400))

    assert set(answers) == {("a:x", "a"), ("b:x", "b")}
    assert 250 < answers[("a:x", "a")] < 350


def test_a_variant_of_weight_zero_gets_only_what_is_meant_for_it(hosting):
    hosting.start("e", variant("a"), variant("b", InitialVariantWeight=0.0))

    assert {hosting.ask("e") for _ in range(50)} == {("a:x", "a")}
    assert hosting.ask("e", **{"x-amzn-sagemaker-target-variant": "b"}) == ("b:x", "b")


def test_an_unknown_target_variant_is_refused(hosting):
    hosting.start("e", variant("a"))

    with pytest.raises(ApiError, match="Variant c does not exist") as refused:
        hosting.ask("e", **{"x-amzn-sagemaker-target-variant": "c"})
    assert refused.value.code == "ValidationError"


def test_each_variant_has_metrics_of_its_own(hosting):
    hosting.model("broken", STATUS="500")
    hosting.start("e", variant("a"), variant("broken", InitialVariantWeight=0.0))

    hosting.ask("e")
    with pytest.raises(ApiError):
        hosting.ask("e", **{"x-amzn-sagemaker-target-variant": "broken"})

    assert hosting.measured("a", "Invocation5XXErrors") == [0.0]
    assert hosting.measured("broken", "Invocation5XXErrors") == [1.0]
    assert hosting.measured("broken", "InvocationModelErrors") == [1.0]
    assert len(hosting.measured("a", "ModelLatency")) == 1


# --- instances


def test_a_variant_has_as_many_servers_as_instances_and_shares_requests_among_them(hosting):
    hosting.start("e", variant("a", InitialInstanceCount=3))

    for _ in range(60):
        hosting.ask("e")

    assert hosting.running() == ["a"] * 3
    assert all(server.requests for server in hosting.servers)


def test_more_instances_than_this_machine_takes_share_its_servers(tmp_path):
    hosting = Hosting(tmp_path, servers=2)
    hosting.model("a")
    endpoint = hosting.start("e", variant("a", InitialInstanceCount=50))

    hosting.ask("e")

    assert hosting.running() == ["a"] * 2
    assert shown(endpoint, "CurrentInstanceCount") == [(50,)]
    assert hosting.measured("a", "InvocationsPerInstance") == [1 / 50]


def test_least_outstanding_requests_go_to_the_server_that_has_nothing_to_do(hosting):
    routing = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    hosting.start("e", variant("a", InitialInstanceCount=2, RoutingConfig=routing))
    hosting.hold("a")

    askers = [threading.Thread(target=hosting.ask, args=("e",)) for _ in range(4)]
    for asker in askers:
        asker.start()
        assert hosting.entered.acquire(timeout=10)
    hosting.release()
    for asker in askers:
        asker.join()

    assert [len(server.requests) for server in hosting.servers] == [2, 2]
    assert sorted(hosting.measured("a", "ConcurrentRequestsPerModel")) == [0.5, 1.0, 1.5, 2.0]


# --- changes of weights and capacities


def test_weights_can_be_changed_while_the_endpoint_serves(hosting):
    hosting.start("e", variant("a"), variant("b", InitialVariantWeight=0.0))

    endpoint = hosting.change("e", a={"DesiredWeight": 0.0}, b={"DesiredWeight": 2.0})

    assert endpoint["EndpointStatus"] == "InService"
    assert shown(endpoint, "VariantName", "CurrentWeight", "DesiredWeight") == [
        ("a", 0.0, 0.0),
        ("b", 2.0, 2.0),
    ]
    assert {hosting.ask("e") for _ in range(50)} == {("b:x", "b")}


def test_an_endpoint_is_updating_while_its_weights_change(hosting):
    hosting.start("e", variant("a"))
    before = len(hosting.around.events)

    hosting.change("e", a={"DesiredWeight": 0.5})

    statuses = [detail["EndpointStatus"] for _, detail in hosting.around.events[before:]]
    assert statuses == ["UPDATING", "IN_SERVICE"]


def test_more_instances_are_more_servers_and_fewer_are_fewer(hosting):
    hosting.start("e", variant("a"))

    more = hosting.change("e", a={"DesiredInstanceCount": 3})
    at_most = hosting.running()
    fewer = hosting.change("e", a={"DesiredInstanceCount": 2})

    assert shown(more, "CurrentInstanceCount", "DesiredInstanceCount") == [(3, 3)]
    assert shown(fewer, "CurrentInstanceCount", "DesiredInstanceCount") == [(2, 2)]
    assert (at_most, hosting.running()) == (["a"] * 3, ["a"] * 2)


def test_a_server_that_leaves_answers_first_what_it_was_asked(hosting):
    hosting.start("e", variant("a", InitialInstanceCount=2))
    hosting.hold("a")
    answers = []
    askers = [threading.Thread(target=lambda: answers.append(hosting.ask("e"))) for _ in range(8)]
    for asker in askers:
        asker.start()
        assert hosting.entered.acquire(timeout=10)

    hosting.engine.endpoints.resize("e", "a", 1)
    assert hosting.running() == ["a"] * 2, "both still have requests"
    hosting.release()
    for asker in askers:
        asker.join()

    hosting.settled("e")
    assert answers == [("a:x", "a")] * 8
    assert hosting.running() == ["a"]


def test_a_change_that_fails_leaves_everything_as_it_was(hosting):
    hosting.start("e", variant("a"), variant("b"))
    hosting.engine.records.get("Model", "b")["PrimaryContainer"]["Environment"]["BROKEN"] = "yes"

    endpoint = hosting.change(
        "e", a={"DesiredInstanceCount": 2}, b={"DesiredInstanceCount": 2, "DesiredWeight": 5.0}
    )

    assert endpoint["EndpointStatus"] == "InService"
    assert "ping health check" in endpoint["FailureReason"]
    assert shown(endpoint, "CurrentWeight", "DesiredInstanceCount") == [(1.0, 1), (1.0, 1)]
    assert sorted(hosting.running()) == ["a", "b"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"c": {"DesiredWeight": 1.0}}, "Variant(s) c not found"),
        ({"a": {"DesiredWeight": 0.0}, "b": {"DesiredWeight": 0.0}}, "must have a weight above 0"),
        ({"a": {"DesiredInstanceCount": 0}}, "DesiredInstanceCount must be at least 1"),
        ({"a": {"ServerlessUpdateConfig": {"MaxConcurrency": 3}}}, "serverless variants only"),
        ({"a": {"DesiredWeight": -1.0}}, "DesiredWeight"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(hosting, wanted, words):
    hosting.start("e", variant("a"), variant("b"))

    assert words in refusal(hosting.change, "e", **wanted)
    assert hosting.describe("e")["EndpointStatus"] == "InService"


def test_a_serverless_variant_changes_its_concurrency_and_has_no_instances(hosting):
    hosting.start("e", variant("a", ServerlessConfig=SERVERLESS))

    endpoint = hosting.change("e", a={"ServerlessUpdateConfig": {"MaxConcurrency": 5}})

    assert shown(endpoint, "CurrentServerlessConfig") == [({"MemorySizeInMB": 1024, "MaxConcurrency": 5},)]
    hosting.ask("e")
    assert hosting.measured("a", "ServerlessConcurrentExecutionsUtilization") == [0.2]
    assert "not supported for serverless" in refusal(hosting.change, "e", a={"DesiredInstanceCount": 2})


def test_an_asynchronous_endpoint_can_be_without_instances(hosting):
    output = {"OutputConfig": {"S3OutputPath": "s3://b/out"}}
    hosting.start("e", variant("a"), AsyncInferenceConfig=output)

    endpoint = hosting.change("e", a={"DesiredInstanceCount": 0})

    assert shown(endpoint, "CurrentInstanceCount") == [(0,)]
    assert hosting.running() == []


# --- updates to another configuration


def test_an_update_takes_the_weights_and_sizes_of_the_new_configuration(hosting):
    hosting.start("e", variant("a"))
    hosting.change("e", a={"DesiredInstanceCount": 3, "DesiredWeight": 0.5})
    hosting.configure("e2", variant("a", model="b"))

    endpoint = hosting.update("e", "e2")

    assert shown(endpoint, "CurrentWeight", "CurrentInstanceCount") == [(1.0, 1)]
    assert endpoint["EndpointConfigName"] == "e2"
    assert hosting.running() == ["b"]


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        ([], (0.5, 3)),
        (["DesiredWeight"], (1.0, 3)),
        (["DesiredInstanceCount"], (0.5, 1)),
        (["DesiredWeight", "DesiredInstanceCount", "DataCaptureConfig"], (1.0, 1)),
    ],
)
def test_an_update_can_retain_what_the_variants_have_now(hosting, excluded, expected):
    hosting.start("e", variant("a"), variant("b"))
    hosting.change("e", a={"DesiredInstanceCount": 3, "DesiredWeight": 0.5})
    hosting.configure("e2", variant("a", model="b"), variant("new", model="b", InitialVariantWeight=7.0))

    endpoint = hosting.update(
        "e",
        "e2",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": name} for name in excluded],
    )

    assert shown(endpoint, "CurrentWeight", "CurrentInstanceCount") == [expected, (7.0, 1)]
    assert hosting.running() == ["b"] * (expected[1] + 1)


def test_an_update_to_a_model_that_is_not_healthy_leaves_all_variants_in_service(hosting):
    hosting.model("broken", BROKEN="yes")
    hosting.start("e", variant("a"), variant("b"))
    hosting.configure("e2", variant("a"), variant("b", model="broken"))

    endpoint = hosting.update("e", "e2")

    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "e")
    assert "ping health check" in endpoint["FailureReason"]
    assert sorted(hosting.running()) == ["a", "b"]


def test_an_endpoint_that_never_served_can_only_be_deleted(hosting):
    hosting.model("broken", BROKEN="yes")
    failed = hosting.start("e", variant("broken"))
    hosting.configure("e2", variant("a"))

    assert failed["EndpointStatus"] == "Failed"
    assert "with status Failed" in refusal(hosting.update, "e", "e2")
    hosting.call("DeleteEndpoint", EndpointName="e")


def test_an_endpoint_shows_the_images_that_its_variants_run(hosting):
    [state] = hosting.start("e", variant("a"))["ProductionVariants"]

    assert state["DeployedImages"][0]["SpecifiedImage"].endswith("/toy:1")


def test_weights_and_sizes_outlive_a_restart(hosting, tmp_path):
    hosting.start("e", variant("a"), variant("b", InitialVariantWeight=0.0))
    hosting.change("e", a={"DesiredInstanceCount": 2, "DesiredWeight": 0.0}, b={"DesiredWeight": 1.0})

    again = Hosting(tmp_path)
    again.engine.load(hosting.engine.records.dump())
    again.engine.endpoints.restart_all()

    assert shown(again.settled("e"), "CurrentWeight", "CurrentInstanceCount") == [(0.0, 2), (1.0, 1)]
    assert again.ask("e") == ("b:x", "b")
