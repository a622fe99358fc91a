"""A shadow variant: it gets copies of requests, is measured and captured, and nobody waits for it."""

import json

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.hosting import variant

SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://b/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


@pytest.fixture
def shadowed(hosting):
    """An endpoint `e`, whose variant `a` has the shadow `b`."""

    def shadowed(weight=1.0, **more):
        return hosting.start("e", variant("a"), ShadowProductionVariants=[shadow(weight)], **more)

    return shadowed


def shadow(weight=1.0, model="b", **more):
    return variant("b", model, InitialVariantWeight=weight, **more)


def copies(hosting):
    """Return what the shadow was asked, once all copies are answered."""
    fleet = hosting.engine.endpoints.traffic.fleet("e")
    with fleet.changed:
        assert fleet.changed.wait_for(lambda: fleet.requests == 0, timeout=10)
    return [body for server in hosting.servers if server.model == "b" for body in server.requests]


def test_every_request_is_copied_to_a_shadow_of_the_same_weight_and_never_answered_by_it(hosting, shadowed):
    shadowed()

    answers = {hosting.ask("e", body) for body in (b"1", b"2", b"3")}

    assert answers == {("a:1", "a"), ("a:2", "a"), ("a:3", "a")}
    assert sorted(copies(hosting)) == [b"1", b"2", b"3"]


def test_a_share_of_the_requests_is_copied_by_the_weights_ratio(hosting, shadowed):
    shadowed(weight=0.25)

    for _ in range(400):
        hosting.ask("e")
        copies(hosting)  # one after the other: none is left out because the shadow is busy

    assert 60 < len(copies(hosting)) < 145


def test_nothing_is_copied_to_a_shadow_of_weight_zero(hosting, shadowed):
    shadowed(weight=0.0)

    for _ in range(20):
        hosting.ask("e")

    assert copies(hosting) == []


def test_a_shadow_cannot_be_asked(hosting, shadowed):
    shadowed()

    with pytest.raises(ApiError, match="Variant b does not exist"):
        hosting.ask("e", **{"x-amzn-sagemaker-target-variant": "b"})


@pytest.mark.parametrize("environment", [{"STATUS": "500"}, {"GONE": "yes"}])
def test_a_shadow_that_fails_fails_no_caller_and_is_counted(hosting, environment):
    hosting.model("bad", **environment)
    hosting.start("e", variant("a"), ShadowProductionVariants=[shadow(model="bad")])

    assert hosting.ask("e") == ("a:x", "a")
    copies(hosting)

    assert hosting.measured("b", "Invocation5XXErrors") == [1.0]
    assert hosting.measured("a", "Invocation5XXErrors") == [0.0]


def test_a_slow_shadow_delays_no_caller_and_costs_a_bounded_number_of_copies(hosting):
    hosting.model("slow")
    hosting.start("e", variant("a"), ShadowProductionVariants=[shadow(model="slow")])
    hosting.hold("slow")

    answers = [hosting.ask("e") for _ in range(100)]
    waiting = hosting.engine.endpoints.traffic.fleet("e").requests
    hosting.release()
    copies(hosting)

    assert answers == [("a:x", "a")] * 100
    assert waiting == 64
    assert len(hosting.measured("b", "Invocations")) == 64


def test_a_fleet_that_leaves_waits_for_the_copies_it_works_on(hosting):
    hosting.model("slow")
    hosting.start("e", variant("a"), ShadowProductionVariants=[shadow(model="slow")])
    hosting.configure("e2", variant("a"))
    hosting.hold("slow")
    hosting.ask("e")

    hosting.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="e2")
    hosting.release()
    hosting.settled("e")

    assert hosting.measured("b", "Invocation5XXErrors") == [0.0]
    assert hosting.running() == ["a"]


def test_what_both_answered_is_captured_under_their_names(hosting, shadowed):
    shadowed(DataCaptureConfig=CAPTURE)

    hosting.ask("e", b"1", **{"x-amzn-sagemaker-inference-id": "id-1", "content-type": "text/csv"})
    copies(hosting)
    hosting.engine.invocations.capture.flush()

    found = {
        key.split("/")[2]: json.loads(body)["captureData"]["endpointOutput"]["data"]
        for key, body in hosting.around.objects.items()
    }
    assert found == {"a": "a:1", "b": "b:1"}
    identities = {
        json.loads(body)["eventMetadata"]["inferenceId"] for body in hosting.around.objects.values()
    }
    assert identities == {"id-1"}


def test_the_endpoint_shows_its_shadow_beside_its_variant(shadowed):
    endpoint = shadowed(weight=0.5)

    [state] = endpoint["ShadowProductionVariants"]
    assert (state["VariantName"], state["CurrentWeight"], state["CurrentInstanceCount"]) == ("b", 0.5, 1)
    assert [state["VariantName"] for state in endpoint["ProductionVariants"]] == ["a"]


def test_a_shadow_can_get_more_copies_and_more_instances(hosting, shadowed):
    shadowed(weight=0.0)

    endpoint = hosting.change("e", b={"DesiredWeight": 1.0, "DesiredInstanceCount": 2})
    hosting.ask("e")

    [state] = endpoint["ShadowProductionVariants"]
    assert (state["CurrentWeight"], state["CurrentInstanceCount"]) == (1.0, 2)
    assert copies(hosting) == [b"x"]
    with pytest.raises(ApiError, match="must have a weight above 0"):
        hosting.change("e", a={"DesiredWeight": 0.0})


def test_a_promoted_shadow_answers_and_is_no_shadow_any_more(hosting, shadowed):
    shadowed()
    hosting.configure("e2", variant("b"))

    endpoint = hosting.update("e", "e2")

    assert "ShadowProductionVariants" not in endpoint
    assert hosting.ask("e") == ("b:x", "b")
    assert hosting.running() == ["b"]


@pytest.mark.parametrize(
    ("production", "shadows", "more", "words"),
    [
        ([variant("a"), variant("c", "a")], [shadow()], {}, "one production variant and one shadow"),
        ([variant("a")], [shadow(), variant("c", "a")], {}, "one production variant and one shadow"),
        ([variant("b", "a")], [shadow()], {}, "Variant names must be unique, and b"),
        ([variant("a", ServerlessConfig=SERVERLESS)], [shadow()], {}, "not supported for serverless"),
        (
            [variant("a")],
            [variant("b", ServerlessConfig=SERVERLESS)],
            {},
            "not supported for serverless",
        ),
        (
            [variant("a")],
            [shadow()],
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}}},
            "not supported for asynchronous",
        ),
        ([variant("a")], [shadow(model="none")], {}, "Could not find model"),
    ],
)
def test_a_shadow_that_sagemaker_does_not_support_is_refused(hosting, production, shadows, more, words):
    with pytest.raises(ApiError) as refused:
        hosting.configure("config", *production, ShadowProductionVariants=shadows, **more)

    assert refused.value.code == "ValidationException"
    assert words in str(refused.value)
