"""What CreateHyperParameterTuningJob refuses."""

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.training_cloud import TrainingCloud, categories, numbers

LINE = numbers("x", 0, 1)
OBJECTIVE = {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "loss"}}
BAND = {"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}}


def sized(parallel=1):
    return {"ResourceLimits": {"MaxParallelTrainingJobs": parallel}}


@pytest.mark.parametrize(
    ("ranges", "more", "words"),
    [
        (LINE, {"name": "a" * 33}, "length less than or equal to 32"),
        (LINE, {"name": "under_score"}, "regular expression"),
        (LINE, {"config": OBJECTIVE}, "A metric is required for this hyperparameter tuning job objective"),
        ({}, {}, "At least one hyperparameter range"),
        (numbers("x", 2, 1), {}, "minimum (2) above its maximum (1)"),
        (numbers("x", "low", 1), {}, "no number: low"),
        (numbers("x", "0.5", 1, kind="Integer"), {}, "no integer: 0.5"),
        (numbers("x", 0, 1, ScalingType="Logarithmic"), {}, "scaled logarithmically"),
        (numbers("x", 0, 1, ScalingType="ReverseLogarithmic"), {}, "0 <= x < 1.0"),
        (numbers("x", 0, 0, kind="Integer", ScalingType="ReverseLogarithmic"), {}, "reverse-logarithmically"),
        (numbers("x", 0, 1, ScalingType="Cubic"), {}, "enum value set"),
        (categories(x=["a", "a"]), {}, "value twice"),
        (categories(x=map(str, range(31))), {}, "less than or equal to 30"),
        (LINE | categories(x=["a"]), {}, "x is defined more than once"),
        (LINE, {"definition": {"StaticHyperParameters": {"x": "1"}}}, "x is defined more than once"),
        (LINE, {"strategy": "Grid"}, "Only categorical parameters"),
        (categories(x=["a", "b"]), {"strategy": "Grid", "jobs": 3}, "equal to the number of distinct"),
        (LINE, {"jobs": 751}, "training jobs per tuning job' is 750"),
        (LINE, {"parallel": 11}, "parallel training jobs per tuning job' is 10"),
        (LINE, {"jobs": None}, "MaxNumberOfTrainingJobs is required"),
        (LINE, {"strategy": "Hyperband"}, "MaxResource is required"),
        (LINE, {"config": BAND}, "only supported for the Hyperband"),
        (
            LINE,
            {"strategy": "Hyperband", "config": BAND | {"TrainingJobEarlyStoppingType": "Auto"}},
            "must be Off",
        ),
        (
            LINE,
            {"strategy": "Hyperband", "definition": {"StaticHyperParameters": {"epochs": "30000"}}},
            "between MinResource (1) and 20000",
        ),
        (LINE, {"definition": {"HyperParameterTuningResourceConfig": {}}}, "Exactly one of ResourceConfig"),
        (LINE, {"Autotune": {"Mode": "Enabled"}}, "Autotune is not available"),
    ],
)
def test_a_request_that_aws_refuses_is_refused(tmp_path, ranges, more, words):
    cloud = TrainingCloud(tmp_path, "")
    more = {"name": "t"} | more

    with pytest.raises(ApiError) as refused:
        cloud.call("CreateHyperParameterTuningJob", **cloud.tuning_request(more.pop("name"), ranges, **more))

    assert words in str(refused.value)


def test_a_name_that_is_taken_is_refused(tmp_path):
    cloud = TrainingCloud(tmp_path, "say('score=1;')")
    cloud.tune("t", LINE, jobs=1)

    with pytest.raises(ApiError) as refused:
        cloud.tune("t", LINE, jobs=1)

    assert refused.value.code == "ResourceInUse"
