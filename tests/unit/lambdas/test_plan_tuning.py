import re
from datetime import timedelta

import pytest

from headrace.config.pipeline import Pipeline
from lambdas.plan_tuning.handler import NoValidationRowsError, plan_tuning
from tests.unit.lambdas.training_ledger import NOW, FakeHistory, past
from tests.unit.lambdas.tunings import FakeTunings, trial, tuning

EVENT = {"started_at": NOW.isoformat(), "validation_rows": 900}
JOB = "bike-t9p1c00"


def pipeline(name="bike", image="headrace", **of_tuning):
    training = {
        "estimator": "linear",
        "hyperparameters": {"solver": "svd"},
        "tuning": {"warm_start": True, **of_tuning},
    }
    return Pipeline(name=name, problem="regression", target="cnt", training=training, image=image)


def tuned(job=JOB, days=1):
    return past(NOW - timedelta(days=days), tuning={"job": job, "strategy": "bayesian", "trials": "20"})


def parent(job, history=None, **of_tuning):
    jobs = FakeTunings(job) if job else FakeTunings()
    return plan_tuning(
        EVENT, pipeline(**of_tuning), FakeHistory(tuned()) if history is None else history, jobs
    )["parent"]


def test_the_name_has_room_for_an_attempt_however_long_the_pipelines_name_is():
    longest = plan_tuning(EVENT, pipeline(name="a" * 24), FakeHistory(), FakeTunings())["job"]

    assert len(f"{longest}9") == 32
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", f"{longest}9")


def test_two_trainings_have_two_names_and_a_retry_has_the_same():
    later = {**EVENT, "started_at": (NOW + timedelta(seconds=1)).isoformat()}
    names = [plan_tuning(event, pipeline(), None, FakeTunings())["job"] for event in (EVENT, EVENT, later)]

    assert names[0] == names[1] != names[2]


def test_trials_that_nothing_compares_are_not_started():
    with pytest.raises(NoValidationRowsError, match=r"raise split\.validation_share"):
        plan_tuning({**EVENT, "validation_rows": 0}, pipeline(), None, FakeTunings())


def test_a_search_begins_with_the_last_one_of_the_same_hyperparameters_and_metric():
    assert parent(tuning(trial(1, 42.0))) == JOB


def test_the_latest_that_fits_is_taken():
    history = FakeHistory(tuned("bike-older0", days=9), tuned(), past(NOW))

    assert parent(tuning(trial(1, 42.0)), history) == JOB


@pytest.mark.parametrize(
    "job",
    [
        None,
        tuning(status="Failed"),
        tuning(trial(1, 42.0), Strategy="Grid"),
        tuning(
            trial(1, 42.0),
            HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "validation:mae"},
        ),
        tuning(
            trial(1, 42.0), ParameterRanges={"CategoricalParameterRanges": [{"Name": "tol", "Values": ["1"]}]}
        ),
        {**tuning(trial(1, 42.0)), "TrainingJobStatusCounters": {"Completed": 731}},
        {
            **tuning(trial(1, 42.0)),
            "TrainingJobDefinition": {"StaticHyperParameters": {"solver": "svd", "sagemaker_program": "x"}},
        },
    ],
    ids=[
        "gone",
        "failed",
        "grid",
        "another metric",
        "another search",
        "too many together",
        "another container",
    ],
)
def test_a_former_search_that_sagemaker_would_refuse_is_left_alone(job):
    assert parent(job) == ""


def test_without_warm_start_nobody_looks():
    assert plan_tuning(EVENT, pipeline(warm_start=False), None, FakeTunings())["parent"] == ""
