"""Asynchronous endpoints: a queue, S3 on both sides, a topic, and what is counted."""

import json

import pytest

from local_cloud.sagemaker.async_invocation import AsyncInvocations
from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.hosting import variant

TOPICS = {
    "SuccessTopic": "arn:aws:sns:us-east-1:123456789012:success",
    "ErrorTopic": "arn:aws:sns:us-east-1:123456789012:error",
}
OUTPUT = {
    "S3OutputPath": "s3://artifacts/out/",
    "S3FailurePath": "s3://artifacts/failed/",
    "NotificationConfig": TOPICS,
}
ASYNC = {"ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2}, "OutputConfig": OUTPUT}


class Queue:
    """An asynchronous endpoint `e` of the model `a`, whose work is done when a test says so."""

    def __init__(self, hosting, model="a"):
        self.hosting, self.now, self.begun = hosting, 1_000_000.0, []
        hosting.start("e", variant("v1", model), AsyncInferenceConfig=ASYNC)
        hosting.around.objects["in.csv"] = b"1,2"
        self.async_ = self.life()

    def life(self):
        return AsyncInvocations(
            self.hosting.engine.endpoints,
            self.hosting.around,
            clock=lambda: self.now,
            start=self.begun.append,
        )

    def ask(self, body=b"", endpoint="e", **headers):
        given = {f"x-amzn-sagemaker-{name.replace('_', '-')}": value for name, value in headers.items()}
        if not body:
            given = {"x-amzn-sagemaker-inputlocation": "s3://artifacts/in.csv", **given}
        answer, returned = self.async_.invoke(endpoint, body, given)
        return json.loads(answer)["InferenceId"], returned

    def work(self):
        while self.begun:
            self.begun.pop(0)()

    def stored(self, prefix):
        return [body for key, body in self.hosting.around.objects.items() if key.startswith(prefix)]

    def counted(self, metric):
        return [d["Value"] for d in self.hosting.around.data if d["MetricName"] == metric]


@pytest.fixture
def queue(hosting):
    return Queue(hosting)


def test_an_answer_lies_where_the_call_said_it_would(queue):
    inference_id, returned = queue.ask(inference_id="mine", content_type="text/csv")

    assert inference_id == "mine"
    place = returned["X-Amzn-Sagemaker-OutputLocation"]
    assert place.startswith("s3://artifacts/out/")
    assert place.endswith(".out")
    assert returned["X-Amzn-Sagemaker-FailureLocation"].endswith("-error.out")
    assert queue.stored("out/") == []

    queue.work()

    assert queue.hosting.around.objects[place.removeprefix("s3://artifacts/")] == b"a:1,2"
    assert queue.stored("failed/") == []


def test_the_container_has_as_long_as_the_caller_says(queue):
    queue.ask()
    queue.work()
    assert queue.hosting.servers[0].patience_s == 900

    queue.ask(invocationtimeoutseconds="5")
    queue.work()
    assert queue.hosting.servers[0].patience_s == 5


def test_a_small_body_can_come_with_the_call(queue):
    queue.ask(b"7,8")
    queue.work()

    assert queue.stored("out/") == [b"a:7,8"]


def test_a_caller_can_name_the_file_and_a_folder_for_the_answer(queue):
    _, returned = queue.ask(filename="mine.csv", s3outputpathextension="today/")

    assert returned["X-Amzn-Sagemaker-OutputLocation"] == "s3://artifacts/out/today/mine.csv"


def test_success_is_told_as_aws_tells_it(queue):
    queue.ask(inference_id="mine", content_type="text/csv", accept="text/csv")
    queue.now += 2
    queue.work()

    ((topic, told),) = queue.hosting.around.told
    place = told.pop("responseParameters")["outputLocation"]
    assert topic == TOPICS["SuccessTopic"]
    assert told == {
        "awsRegion": "us-east-1",
        "eventTime": "1970-01-12T13:46:42.000Z",
        "receivedTime": "1970-01-12T13:46:40.000Z",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "text/csv",
            "contentType": "text/csv",
            "endpointName": "e",
            "inputLocation": "s3://artifacts/in.csv",
        },
        "inferenceId": "mine",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert place.removeprefix("s3://artifacts/") in queue.hosting.around.objects


def test_a_request_that_the_container_refuses_is_told_and_its_reason_stored(hosting):
    hosting.model("strict", STATUS="400")
    queue = Queue(hosting, "strict")

    queue.ask()
    queue.work()

    ((topic, told),) = hosting.around.told
    assert (topic, told["invocationStatus"]) == (TOPICS["ErrorTopic"], "Failed")
    assert "Received client error (400)" in told["failureReason"]
    assert queue.stored("failed/") == [told["failureReason"].encode()]
    assert queue.counted("Invocation4XXErrors") == [1.0]
    assert queue.counted("InvocationFailures") == [1.0]


def test_an_input_that_is_not_there_is_a_failure_of_the_download(queue):
    queue.ask(inputlocation="s3://artifacts/gone.csv")
    queue.work()

    assert queue.hosting.around.told[0][1]["invocationStatus"] == "Failed"
    assert queue.counted("RequestDownloadFailures") == [1.0]
    assert queue.counted("ModelLatency") == []


def test_an_instance_works_on_as_many_requests_as_the_configuration_allows(queue):
    for _ in range(5):
        queue.ask()
    assert len(queue.begun) == 2

    queue.begun.pop(0)()

    assert len(queue.begun) == 2
    queue.work()
    assert len(queue.stored("out/")) == 5


def test_requests_wait_while_there_is_no_instance_and_go_on_when_there_is(queue):
    queue.hosting.change("e", v1={"DesiredInstanceCount": 0})
    queue.ask()
    queue.now += 7
    queue.async_.look_after()
    queue.async_.measure()

    assert queue.begun == []
    assert queue.counted("HasBacklogWithoutCapacity") == [1.0]
    assert queue.counted("ApproximateBacklogSize") == [1.0]
    assert queue.counted("ApproximateAgeOfOldestRequest") == [7.0]
    assert queue.counted("ApproximateBacklogSizePerInstance") == []

    queue.hosting.change("e", v1={"DesiredInstanceCount": 1})
    queue.async_.look_after()
    queue.work()

    assert len(queue.stored("out/")) == 1
    assert queue.counted("TimeInBacklog") == [7000.0]


def test_a_backlog_is_shared_by_the_instances(queue):
    queue.hosting.change("e", v1={"DesiredInstanceCount": 2})
    for _ in range(6):
        queue.ask()
    queue.async_.measure()

    assert len(queue.begun) == 4
    assert queue.counted("ApproximateBacklogSizePerInstance") == [3.0]
    assert queue.counted("HasBacklogWithoutCapacity") == [0.0]


def test_a_request_that_has_waited_too_long_expires(queue):
    queue.hosting.change("e", v1={"DesiredInstanceCount": 0})
    queue.ask(requestttlseconds="60")
    queue.ask()
    queue.now += 61
    queue.async_.look_after()

    ((topic, told),) = queue.hosting.around.told
    assert (topic, told["invocationStatus"]) == (TOPICS["ErrorTopic"], "Expired")
    assert len(queue.stored("failed/")) == 1
    assert queue.counted("ExpiredRequests") == [1.0]
    queue.async_.measure()
    assert queue.counted("ApproximateBacklogSize") == [1.0]


def test_only_the_metrics_of_asynchronous_endpoints_are_counted(queue):
    queue.ask()
    queue.work()

    assert {datum["MetricName"] for datum in queue.hosting.around.data} == {
        "ModelLatency",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationsProcessed",
        "InvocationFailures",
        "TimeInBacklog",
        "TotalProcessingTime",
        "RequestDownloadLatency",
        "ResponseUploadLatency",
    }


def test_what_waits_survives_a_restart_and_what_was_being_answered_is_asked_again(queue):
    for _ in range(3):
        queue.ask(b"x")
    state = json.loads(json.dumps(queue.async_.dump()))
    queue.begun.clear()

    queue.async_ = queue.life()
    queue.async_.load(state)
    queue.async_.look_after()
    queue.work()

    assert queue.stored("out/") == [b"a:x"] * 3


def test_what_waits_for_an_endpoint_that_is_deleted_is_forgotten(queue):
    queue.hosting.change("e", v1={"DesiredInstanceCount": 0})
    queue.ask()
    queue.hosting.call("DeleteEndpoint", EndpointName="e")
    queue.async_.look_after()

    assert queue.async_.dump() == {"requests": []}


def test_a_new_configuration_takes_over_what_waits(queue):
    queue.hosting.change("e", v1={"DesiredInstanceCount": 0})
    queue.ask()
    queue.hosting.configure("next", variant("v2", "b"), AsyncInferenceConfig=ASYNC)
    queue.hosting.update("e", "next")
    queue.async_.look_after()
    queue.work()

    assert queue.stored("out/") == [b"b:1,2"]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"inputlocation": "in.csv"}, "inputLocation"),
        ({"requestttlseconds": "59"}, "requestTTLSeconds"),
        ({"invocationtimeoutseconds": "3601"}, "invocationTimeoutSeconds"),
        ({"invocationtimeoutseconds": "soon"}, "invocationTimeoutSeconds"),
        ({"inputlocation": ""}, "Exactly one of Body and InputLocation"),
        ({"inference-id": "x" * 65}, "'inferenceId' .* less than or equal to 64"),
    ],
)
def test_what_aws_refuses_is_refused(queue, headers, said):
    with pytest.raises(ApiError, match=said) as refused:
        queue.ask(**headers)

    assert (refused.value.code, refused.value.status) == ("ValidationError", 400)


def test_body_and_place_exclude_each_other_and_a_body_is_small(queue):
    with pytest.raises(ApiError, match="Exactly one"):
        queue.ask(b"x", inputlocation="s3://artifacts/in.csv")
    with pytest.raises(ApiError, match="128000 bytes"):
        queue.ask(b"x" * 128_001)


def test_either_kind_of_endpoint_takes_its_own_invocations_alone(queue):
    queue.hosting.start("direct", variant("b"))

    with pytest.raises(ApiError, match="can only receive asynchronous invocations"):
        queue.hosting.ask("e")
    with pytest.raises(ApiError, match="not an asynchronous endpoint"):
        queue.ask(endpoint="direct")
    with pytest.raises(ApiError, match="not found"):
        queue.ask(endpoint="gone")


def test_an_endpoint_shows_that_it_is_asynchronous(queue):
    assert queue.hosting.describe("e")["AsyncInferenceConfig"] == ASYNC


@pytest.mark.parametrize(
    "variants",
    [
        [variant("v1", "a"), variant("v2", "b")],
        [variant("v1", "a", ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})],
    ],
)
def test_an_asynchronous_endpoint_has_one_variant_on_instances(hosting, variants):
    with pytest.raises(ApiError, match=r"synchronous|AsyncInferenceConfig"):
        hosting.configure("c", *variants, AsyncInferenceConfig=ASYNC)
