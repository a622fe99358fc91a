import io

import pytest

from headrace.aws.asynchronous_endpoint import AsynchronousEndpoint, NoAnswerError, Request

REQUEST = Request("rows.csv", b"1,2\n", "text/csv", "text/csv")


class World:
    """S3 and the runtime, in which what is asked lies at once, or after some looks, at the places given."""

    def __init__(self, appears=(), after=0):
        self.objects, self.appears, self.after = {}, dict(appears), after
        self.asked, self.now = None, 0.0

    def put_object(self, **request):
        self.objects[request["Key"]] = request

    def invoke_endpoint_async(self, **request):
        self.asked = request
        return {
            "InferenceId": request.get("InferenceId", "made-up"),
            "OutputLocation": "s3://artifacts/async/output/1.out",
            "FailureLocation": "s3://artifacts/async/failures/1-error.out",
        }

    def list_objects_v2(self, **request):
        self.after -= 1
        found = request["Prefix"] in self.appears and self.after < 0
        return {"Contents": [{"Key": request["Prefix"]}]} if found else {}

    def get_object(self, **request):
        return {"Body": io.BytesIO(self.appears[request["Key"]])}

    def sleep(self, seconds):
        self.now += seconds

    def endpoint(self):
        return AsynchronousEndpoint(
            self, self, name="headrace-bike", bucket="artifacts", sleep=self.sleep, clock=lambda: self.now
        )


def test_a_request_is_put_into_the_bucket_before_it_is_queued():
    world = World()

    submitted = world.endpoint().submit(REQUEST)

    assert world.objects["async/input/rows.csv"]["Body"] == b"1,2\n"
    assert world.asked["InputLocation"] == "s3://artifacts/async/input/rows.csv"
    assert submitted.inference_id == "made-up"
    assert "InferenceId" not in world.asked


def test_an_id_of_the_callers_is_passed_on():
    world = World()

    submitted = world.endpoint().submit(Request("r", b"", "text/csv", "text/csv", "mine"))

    assert (world.asked["InferenceId"], submitted.inference_id) == ("mine", "mine")


def test_an_answer_is_waited_for():
    world = World({"async/output/1.out": b"3.5\n"}, after=6)
    endpoint = world.endpoint()

    assert endpoint.answer(endpoint.submit(REQUEST), 60) == b"3.5\n"
    assert world.now > 0


def test_a_failure_is_told_with_its_reason():
    world = World({"async/failures/1-error.out": b"row 3: temp is no number"})
    endpoint = world.endpoint()

    with pytest.raises(NoAnswerError, match="it failed: row 3: temp is no number"):
        endpoint.answer(endpoint.submit(REQUEST), 60)


def test_silence_ends_after_the_time_that_was_given():
    world = World()
    endpoint = world.endpoint()

    with pytest.raises(NoAnswerError, match=r"nothing lay at s3://artifacts/async/output/1.out after 60 s"):
        endpoint.answer(endpoint.submit(REQUEST), 60)
    assert 60 <= world.now < 66
