import pytest
from pydantic import ValidationError

from headrace.config.endpoint import Endpoint
from headrace.config.pipeline import Pipeline


def complaint(**fields):
    with pytest.raises(ValidationError) as refused:
        Pipeline.model_validate({"name": "bike", "problem": "regression", "target": "cnt", **fields})
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "has_instances", "logs_requests"),
    [
        ("serverless", False, True),
        ("realtime", True, False),
        ("asynchronous", True, True),
        ("batch", False, False),
    ],
)
def test_a_kind_says_what_runs_and_who_captures(kind, has_instances, logs_requests):
    endpoint = Endpoint(kind=kind)

    assert (endpoint.has_instances, endpoint.logs_requests) == (has_instances, logs_requests)


def test_a_queue_is_for_asynchronous_endpoints():
    said = complaint(endpoint={"kind": "realtime", "asynchronous": {"notify": True}})

    assert "endpoint.asynchronous: is for asynchronous endpoints, and `endpoint.kind` is realtime" in said


def test_a_block_that_was_left_out_is_still_left_out_after_a_journey_as_json():
    sent = Pipeline(name="bike", problem="regression", target="cnt", endpoint={"kind": "serverless"})

    assert Pipeline.model_validate_json(sent.model_dump_json()) == sent


def test_a_stream_is_not_scored_by_an_endpoint_that_answers_later():
    said = complaint(endpoint={"kind": "asynchronous"}, stream={"scoring": True})

    assert "stream.scoring: needs an endpoint that answers at once" in said
