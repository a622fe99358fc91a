import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline

SCALING = {"min": 2, "max": 8, "target": 600}


def pipeline(**endpoint):
    return Pipeline.model_validate(
        {"name": "bike", "problem": "regression", "target": "cnt", "endpoint": endpoint}
    )


def test_instances_stay_as_they_are_without_the_block():
    assert pipeline(kind="realtime").endpoint.scaling is None


def test_a_block_of_three_lines_will_do():
    scaling = pipeline(kind="realtime", scaling=SCALING).endpoint.scaling

    assert (scaling.by, scaling.scale_out_cooldown_s, scaling.scale_in_cooldown_s) == ("invocations", 60, 300)


def test_as_many_may_be_provisioned_as_may_run():
    endpoint = pipeline(max_concurrency=5, provisioned_concurrency=5).endpoint

    assert endpoint.provisioned_concurrency == 5


def test_an_asynchronous_endpoint_can_do_without_instances():
    queue = {"min": 0, "max": 4, "by": "backlog", "target": 5}

    assert pipeline(kind="asynchronous", scaling=queue).endpoint.scaling.min == 0


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ({"max_concurrency": 5, "provisioned_concurrency": 6}, r"more than endpoint.max_concurrency \(5\)"),
        ({"provisioned_concurrency": 0}, "greater than or equal to 1"),
        (
            {"kind": "realtime", "provisioned_concurrency": 1},
            "provisioned_concurrency: is for serverless endpoints",
        ),
        ({"scaling": SCALING}, "endpoint.scaling: is for instances that stay, and a serverless"),
        ({"kind": "realtime", "scaling": {**SCALING, "max": 2}}, r"scaling.max: is not more than min \(2\)"),
        (
            {"kind": "realtime", "scaling": {**SCALING, "min": 0}},
            "scaling.min: is 0, but only an asynchronous",
        ),
        (
            {"kind": "realtime", "instances": 1, "scaling": SCALING},
            r"endpoint.instances: is 1, which is not within .* \(2 to 8\)",
        ),
        ({"kind": "realtime", "scaling": {**SCALING, "by": "backlog"}}, "scaling.by: is backlog, but only"),
        (
            {"kind": "realtime", "instance": "ml.t3.medium", "scaling": SCALING},
            "endpoint.instance: is ml.t3.medium, and SageMaker scales no burstable",
        ),
        ({"kind": "batch", "scaling": SCALING}, "endpoint.scaling: is for instances that stay, and a batch"),
        ({"kind": "asynchronous", "scaling": SCALING}, "wait in a queue: name backlog"),
        ({"kind": "realtime", "scaling": {**SCALING, "target": 0}}, "greater than 0"),
    ],
)
def test_what_does_not_fit_is_refused_with_one_sentence(endpoint, says):
    with pytest.raises(ValidationError, match=says):
        pipeline(**endpoint)
