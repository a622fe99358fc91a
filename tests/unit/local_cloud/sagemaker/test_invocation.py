"""What an endpoint counts of its requests."""

import threading

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.hosting import variant

SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}


def counted(hosting):
    return {datum["MetricName"]: (datum["Value"], datum["Unit"]) for datum in hosting.around.data}


def test_an_answer_is_counted_by_endpoint_and_variant_in_microseconds(hosting):
    hosting.start("e", variant("a"))

    hosting.ask("e")

    found = counted(hosting)
    assert {name: value for name, (value, _) in found.items() if "Latency" not in name} == {
        "Invocations": 1.0,
        "InvocationsPerInstance": 1.0,
        "ConcurrentRequestsPerModel": 1.0,
        "Invocation4XXErrors": 0.0,
        "Invocation5XXErrors": 0.0,
        "InvocationModelErrors": 0.0,
    }
    assert {found[name][1] for name in ("ModelLatency", "OverheadLatency")} == {"Microseconds"}
    assert all(found[name][0] >= 0 for name in ("ModelLatency", "OverheadLatency"))
    (dimensions,) = {
        tuple((dimension["Name"], dimension["Value"]) for dimension in datum["Dimensions"])
        for datum in hosting.around.data
    }
    assert dimensions == (("EndpointName", "e"), ("VariantName", "a"))


@pytest.mark.parametrize(
    ("environment", "errors"),
    [({"STATUS": "400"}, (1.0, 0.0)), ({"STATUS": "503"}, (0.0, 1.0)), ({"GONE": "yes"}, (0.0, 1.0))],
)
def test_errors_are_counted_by_whose_they_are(hosting, environment, errors):
    hosting.model("c", **environment)
    hosting.start("e", variant("c"))

    with pytest.raises(ApiError):
        hosting.ask("e")

    found = counted(hosting)
    assert (found["Invocation4XXErrors"][0], found["Invocation5XXErrors"][0]) == errors
    assert found["InvocationModelErrors"][0] == 1.0


def test_a_serverless_variant_says_how_busy_it_is(hosting):
    hosting.start("e", variant("a", ServerlessConfig={**SERVERLESS, "MaxConcurrency": 4}))

    hosting.ask("e")
    hosting.ask("e")

    assert hosting.measured("a", "ServerlessConcurrentExecutionsUtilization") == [0.25, 0.25]
    assert "InvocationsPerInstance" not in counted(hosting)


def test_a_request_beyond_the_slots_is_refused_and_reaches_no_model(hosting):
    hosting.start("e", variant("a", ServerlessConfig=SERVERLESS))
    hosting.hold("a")
    first = threading.Thread(target=hosting.ask, args=("e",))
    first.start()
    assert hosting.entered.acquire(timeout=10)

    with pytest.raises(ApiError) as refused:
        hosting.ask("e")
    hosting.release()
    first.join()

    assert (refused.value.code, refused.value.status) == ("ThrottlingException", 429)
    assert len(hosting.measured("a", "Invocations")) == 1


def test_an_id_that_aws_would_refuse_is_refused_and_reaches_no_model(hosting):
    hosting.start("e", variant("a"))

    with pytest.raises(ApiError, match="'inferenceId'") as refused:
        hosting.ask("e", **{"x-amzn-sagemaker-inference-id": "x" * 65})

    assert refused.value.code == "ValidationError"
    assert not hosting.around.data
