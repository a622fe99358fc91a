import pytest
from pydantic import ValidationError

from headrace.config.large_data import LargeData
from headrace.config.pipeline import Pipeline
from headrace.config.reading import read_options

FIELDS = {"name": "bike", "problem": "regression", "target": "cnt"}


def test_the_limit_of_a_run_follows_from_its_cost():
    # 20 DPU hours by 4 workers of 8 DPUs each: 20 / 32 hours.
    assert LargeData(worker="G.8X", workers=4, max_dpu_hours=20).timeout_minutes == 37


def test_a_large_file_has_a_limit_of_its_own():
    pipeline = Pipeline.model_validate({**FIELDS, "large_data": {"max_gb": 2}})

    small, large = read_options(pipeline), read_options(pipeline, large=True)

    assert (small.max_mb, small.limit) == (100, "ingest.max_file_mb")
    assert (large.max_mb, large.limit) == (2048, "large_data.max_gb")


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"workers": 200, "max_dpu_hours": 1}, "large_data.max_dpu_hours: lets 200 workers"),
        ({"workers": 2, "max_dpu_hours": 1000}, "more than the seven days"),
        ({"workers": 1}, "greater than or equal to 2"),
    ],
)
def test_a_block_that_cannot_be_is_refused(block, says):
    with pytest.raises(ValidationError, match=says):
        Pipeline.model_validate({**FIELDS, "large_data": block})


def test_a_limit_below_that_of_the_function_is_refused():
    fields = {**FIELDS, "ingest": {"max_file_mb": 1200}, "large_data": {"max_gb": 1}}

    with pytest.raises(ValidationError, match="so nothing would be large"):
        Pipeline.model_validate(fields)
