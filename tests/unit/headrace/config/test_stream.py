import pytest
from pydantic import ValidationError

from headrace.config.agreement import DisagreementError
from headrace.config.pipeline import Pipeline


def pipeline(**fields):
    return Pipeline.model_validate({"name": "bike", "problem": "regression", "target": "cnt", **fields})


def findings(**fields):
    with pytest.raises(ValidationError) as caught:
        pipeline(**fields)
    (error,) = caught.value.errors()
    cause = error["ctx"]["error"]
    assert isinstance(cause, DisagreementError)
    return {".".join(path): text for path, text in cause.findings}


def test_without_the_block_there_are_no_streams():
    assert pipeline().stream is None


def test_a_stream_for_nothing_is_refused():
    found = findings(stream={})

    assert found == {"stream": "has neither training nor scoring: switch one on, or leave the block out"}


def test_files_that_the_ingestion_would_refuse_are_not_collected():
    found = findings(stream={"training": True, "buffer_mb": 64}, ingest={"max_file_mb": 63})

    assert found == {
        "stream.buffer_mb": "is more than ingest.max_file_mb (63), so the files would be refused"
    }


def test_larger_files_may_be_collected_where_spark_cleans_them():
    stream = {"training": True, "buffer_mb": 64}

    assert pipeline(stream=stream, ingest={"max_file_mb": 63}, large_data={}).stream.buffer_mb == 64


def test_shards_are_counted_by_the_file_or_by_kinesis():
    found = findings(stream={"training": True, "on_demand": True, "shards": 2})

    assert found == {"stream.shards": "are Kinesis's to count, because on_demand is true: leave them out"}


def test_nothing_waits_longer_than_the_stream_keeps_it():
    found = findings(stream={"scoring": True, "max_age_minutes": 1441})

    assert found == {
        "stream.max_age_minutes": "is longer than records stay in the stream (1440 minutes, by retention_hours)"
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shards", 0),
        ("retention_hours", 23),
        ("retention_hours", 8761),
        ("buffer_seconds", 0),
        ("buffer_seconds", 901),
        ("buffer_mb", 129),
        ("batch_records", 1001),
        ("batch_window_seconds", 301),
        ("parallel_batches", 11),
        ("max_attempts", 0),
        ("max_age_minutes", 10_081),
    ],
)
def test_a_value_that_aws_or_the_function_would_not_take_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        pipeline(stream={"scoring": True, field: value})
