import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline

FIELDS = {"name": "bike", "problem": "regression", "target": "cnt", "id": "instant"}


def endpoint_of(**fields):
    return Pipeline.model_validate({**FIELDS, "endpoint": fields}).endpoint


def test_the_kind_batch_has_no_endpoint_and_answers_files():
    endpoint = endpoint_of(kind="batch")

    assert not endpoint.exists
    assert (endpoint.batches.instances, endpoint.batches.format, endpoint.batches.columns) == (1, "csv", ())


def test_an_endpoint_answers_files_only_with_the_block():
    assert endpoint_of(kind="realtime").batches is None
    assert endpoint_of(kind="realtime", batch={"format": "parquet"}).batches.format == "parquet"


@pytest.mark.parametrize("columns", ["all", ["instant", "dteday"]])
def test_columns_are_named_or_all(columns):
    batches = endpoint_of(kind="batch", batch={"columns": columns}).batches

    assert batches.columns == (columns if columns == "all" else tuple(columns))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"endpoint": {"batch": {"columns": ["a", "a"]}}}, "names a column twice"),
        ({"endpoint": {"batch": {"columns": "some"}}}, "endpoint.batch.columns"),
        ({"endpoint": {"batch": {"schedule": "daily"}}}, "is no schedule"),
        ({"endpoint": {"batch": {"instance": "ml.c7g.large"}}}, "ARM processor"),
        ({"endpoint": {"batch": {"instance": "ml.t3.large"}}}, "no transform jobs on t3"),
        ({"endpoint": {"kind": "batch"}, "stream": {"scoring": True}}, "stream.scoring: asks the endpoint"),
        (
            {"endpoint": {"kind": "batch"}, "alarms": {"latency_p99_ms": 20}},
            "alarms.latency_p99_ms: is about an endpoint",
        ),
    ],
)
def test_what_cannot_be_is_refused(fields, says):
    with pytest.raises(ValidationError, match=says):
        Pipeline.model_validate({**FIELDS, **fields})
