"""What an endpoint counts of its requests."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.invocation import Invocations
from local_cloud.sagemaker.servers import Reply
from local_cloud.sagemaker.slots import Slots


class Surroundings(SimpleNamespace):
    def __init__(self):
        super().__init__(account="123456789012", region="us-east-1", data=[])

    def put_metrics(self, namespace, data):
        assert namespace == "AWS/SageMaker"
        self.data += data


class Container:
    def __init__(self, answer):
        self._answer = answer

    def invoke(self, body, headers):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Endpoint:
    """One endpoint with one variant, `v1`."""

    def __init__(self, answer, slots=None):
        self.around = Surroundings()
        fleet = SimpleNamespace(
            servers={"v1": Container(answer)}, slots={"v1": slots} if slots else {}, config={}
        )

        @contextmanager
        def serving(name):
            yield fleet

        self.invocations = Invocations(SimpleNamespace(serving=serving), None, self.around)
        self.invocations._capture = SimpleNamespace(offer=lambda *_: None)

    def invoke(self):
        return self.invocations.invoke("headrace-bike", b"1,2\n", {})

    def counted(self):
        return {datum["MetricName"]: (datum["Value"], datum["Unit"]) for datum in self.around.data}


def test_an_answer_is_counted_by_endpoint_and_variant_in_microseconds():
    endpoint = Endpoint(Reply(200, b"3\n", {}))

    endpoint.invoke()

    counted = endpoint.counted()
    assert {name: value for name, (value, _) in counted.items() if "Latency" not in name} == {
        "Invocations": 1.0,
        "Invocation4XXErrors": 0.0,
        "Invocation5XXErrors": 0.0,
    }
    assert {counted[name][1] for name in ("ModelLatency", "OverheadLatency")} == {"Microseconds"}
    assert all(counted[name][0] >= 0 for name in ("ModelLatency", "OverheadLatency"))
    (dimensions,) = {
        tuple((dimension["Name"], dimension["Value"]) for dimension in datum["Dimensions"])
        for datum in endpoint.around.data
    }
    assert dimensions == (("EndpointName", "headrace-bike"), ("VariantName", "v1"))


@pytest.mark.parametrize(
    ("answer", "errors"),
    [
        (Reply(400, b"bad", {}), (1.0, 0.0)),
        (Reply(503, b"busy", {}), (0.0, 1.0)),
        (ConnectionRefusedError("gone"), (0.0, 1.0)),
    ],
)
def test_errors_are_counted_by_whose_they_are(answer, errors):
    endpoint = Endpoint(answer)

    with pytest.raises(ApiError):
        endpoint.invoke()

    counted = endpoint.counted()
    assert (counted["Invocation4XXErrors"][0], counted["Invocation5XXErrors"][0]) == errors


def test_a_serverless_variant_says_how_busy_it_is():
    slots = Slots(4)
    slots.take()
    endpoint = Endpoint(Reply(200, b"3\n", {}), slots)

    endpoint.invoke()

    assert endpoint.counted()["ServerlessConcurrentExecutionsUtilization"] == (0.5, "None")
    assert slots.take() == 0.5, "its slot is free again"


def test_a_request_beyond_the_slots_is_refused_and_reaches_no_model():
    slots = Slots(1)
    slots.take()
    endpoint = Endpoint(Reply(200, b"3\n", {}), slots)

    with pytest.raises(ApiError) as refused:
        endpoint.invoke()

    assert refused.value.code == "ThrottlingException"
    assert endpoint.around.data == []
