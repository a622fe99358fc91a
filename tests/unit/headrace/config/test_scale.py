"""Several instances, spot, GPUs and caps in the pipeline file."""

import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline
from headrace.config.tuning_plan import longest_fit_minutes, longest_job_s, most_usd, tuning_plan


def pipeline(**training):
    return Pipeline(name="bike", problem="regression", target="cnt", training=training)


def complaint(**training):
    with pytest.raises(ValidationError) as refused:
        pipeline(**training)
    return str(refused.value)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (
            {"instances": 2},
            "training.instances: is 2, but hist_gradient_boosting learns on one: choose a larger training.instance",
        ),
        ({"instances": 2, "estimator": "keras"}, "estimators that learn on several, torch and xgboost"),
        (
            {"instance": "ml.g5.xlarge", "estimator": "xgboost"},
            "training.instance: is ml.g5.xlarge, whose GPU xgboost would not use",
        ),
        (
            {"spot": {"max_wait_minutes": 30}},
            "training.spot.max_wait_minutes: is less than training.max_runtime_minutes (60)",
        ),
        (
            {"max_usd": 1.0, "instance": "ml.trn1.32xlarge"},
            "training.max_usd: is a cap, but what an hour of ml.trn1.32xlarge costs is not known",
        ),
        (
            {"max_usd": 0.01, "instance": "ml.m5.xlarge"},
            "training.max_usd: is $0.01, which pays 1 x 1 instances and one for the evaluation for 1.3 minutes each",
        ),
        (
            {"max_usd": 0.1, "tuning": {"trials": 20}},
            "pays 1 x 21 instances and one for the evaluation for 2.4 minutes each",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(training, said):
    assert said in complaint(**training)


@pytest.mark.parametrize(
    "training",
    [
        {"instances": 4, "estimator": "xgboost"},
        {"instances": 2, "estimator": "torch", "instance": "ml.g4dn.xlarge"},
        {"instances": 2, "estimator": "xgboost", "tuning": {"trials": 4}, "spot": {}},
        {"estimator": "own.nearest", "instance": "ml.g5.xlarge"},
        {"max_usd": 0.01, "max_runtime_minutes": 1},
    ],
)
def test_what_makes_sense_is_taken(training):
    pipeline(**training)


def test_a_cap_shortens_all_jobs_of_a_training():
    # An hour of a dollar, on two instances, and one for the evaluation: $1.50 pay half an hour of each.
    capped = pipeline(instances=2, estimator="xgboost", usd_per_hour=1.0, max_usd=1.5)

    assert longest_job_s(capped) == 1800
    assert most_usd(capped) == 1.5


def test_a_cap_that_pays_for_more_changes_nothing():
    assert longest_job_s(pipeline(max_usd=100.0)) == 3600


def test_a_cap_counts_every_trial_and_the_training_after_them_on_all_their_instances():
    tuned = pipeline(
        instances=2, estimator="xgboost", usd_per_hour=1.0, max_usd=11.0, tuning={"trials": 4, "parallel": 2}
    )

    assert longest_job_s(tuned) == 3600
    plan = tuning_plan(tuned)
    assert (plan.trial_minutes, plan.usd) == (480, 10.0)
    assert most_usd(tuned) == 11.0


def test_waiting_for_spot_instances_counts_in_the_longest_fit():
    assert longest_fit_minutes(pipeline(spot={})) == 120
    assert longest_fit_minutes(pipeline(spot={"max_wait_minutes": 300})) == 300
    # Two rounds of two trials, each waits two hours at most and takes ten minutes to start; then one training more.
    assert longest_fit_minutes(pipeline(spot={}, tuning={"trials": 4, "parallel": 2})) == 380
