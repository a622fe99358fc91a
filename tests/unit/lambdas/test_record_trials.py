import json

import pytest

from headrace.config.pipeline import Pipeline
from lambdas.record_trials.handler import Ports, TuningError, record_trials
from tests.unit.lambdas.tunings import NOW, FakeTunings, trial, tuning

EVENT = {
    "run": "headrace-bike-260131-120000-0a1b2c3d",
    "tuning_job": "bike-t9p1c0",
    "parent": "",
    "validation_rows": 900,
    "error": {},
}
KEY = f"evaluations/{EVENT['run']}/trials.json"


class Store(dict):
    def store(self, key, document):
        self[key] = json.loads(json.dumps(document, allow_nan=False))


def record(job, *trials, store=None, **event):
    training = {
        "estimator": "linear",
        "hyperparameters": {"solver": "svd"},
        "usd_per_hour": 3.6,
        "tuning": {},
    }
    pipeline = Pipeline(name="bike", problem="regression", target="cnt", training=training)
    store = Store() if store is None else store
    jobs = FakeTunings(*([job] if job else []), trials=trials)
    return record_trials({**EVENT, **event}, pipeline, Ports(jobs, store), NOW), store.get(KEY)


def test_the_model_is_to_be_trained_with_the_hyperparameters_that_the_best_trial_was_really_trained_with():
    trials = trial(1, 50.0), trial(2, 42.125)

    answer, _ = record(tuning(*trials), *trials)

    assert answer == {
        "trial": "s3://artifacts/training/bike-t9p1c00-002-abcdef12/output/model.tar.gz",
        "given": {"solver": "svd", "alpha": "0.2"},
        "hyperparameters": {"solver": "svd", "alpha": 0.2},
        "tuning": {
            "job": "bike-t9p1c00",
            "strategy": "bayesian",
            "trials": "2",
            "best": "alpha=0.2",
            "objective": "rmse 42.12",
        },
    }


def test_every_trial_is_written_down_with_its_value_status_time_and_cost():
    trials = trial(1, 50.0), trial(2, None, status="Failed", seconds=5, FailureReason="no memory")

    _, document = record(tuning(*trials), *trials)

    assert document["searched"] == {"alpha": {"min": 0.001, "max": 1000.0, "scale": "log"}}
    assert document["fixed"] == {"solver": "svd"}
    assert (document["metric"], document["better"], document["seed"]) == ("rmse", "lower", 7)
    assert (document["seconds"], document["cost_usd"]) == (65, 0.065)
    assert [
        (one["objective"], one["status"], one["seconds"], one["cost_usd"]) for one in document["trials"]
    ] == [
        (50.0, "Completed", 60, 0.06),
        (None, "Failed", 5, 0.005),
    ]
    assert document["trials"][1]["failure"] == "no memory"
    assert document["warnings"] == ["1 of 2 trials failed"]


def test_a_trial_that_was_ended_early_has_no_model_and_so_is_not_the_best():
    trials = trial(1, 50.0), trial(2, 42.0, status="Stopped"), trial(3, 48.0)

    answer, document = record(tuning(*trials, best=trials[1]), *trials)

    assert document["best"] == "bike-t9p1c00-003-abcdef12"
    assert document["best"] in answer["trial"]
    assert answer["given"]["alpha"] == "0.3"
    assert answer["hyperparameters"]["alpha"] == 0.3


def test_a_tuning_all_of_whose_trials_were_ended_early_says_so():
    trials = trial(1, 50.0, status="Stopped"), trial(2, 42.0, status="Stopped")

    with pytest.raises(TuningError, match="no trial of 2 came to its end: they were stopped"):
        record(tuning(*trials, best=trials[1]), *trials)


def test_few_validation_rows_are_warned_of():
    _, document = record(tuning(trial(1, 50.0)), trial(1, 50.0), validation_rows=80)

    assert document["warnings"] == [
        "the trials were compared on 80 validation rows, on which luck weighs much"
    ]


def test_a_search_that_was_stopped_is_judged_by_what_it_has_found():
    trials = trial(1, 50.0), trial(2, 60.0, status="Stopped")

    answer, document = record(
        tuning(*trials, status="Stopped"), *trials, error={"Error": "States.TaskFailed"}
    )

    assert "-001-abcdef12/" in answer["trial"]
    assert document["status"] == "Stopped"


def test_a_failed_search_is_written_down_and_says_why():
    store = Store()
    trials = [trial(number, None, status="Failed", FailureReason="no memory") for number in (1, 2)]
    job = {**tuning(*trials, status="Failed"), "FailureReason": "All training jobs failed."}

    with pytest.raises(TuningError, match=r"ended as Failed: All training jobs failed\. \(no memory\)"):
        record(job, *trials, store=store)
    assert len(store[KEY]["trials"]) == 2


def test_a_search_without_a_trial_that_came_to_its_end_has_no_model():
    stopped = trial(1, 50.0, status="Stopped")

    with pytest.raises(TuningError, match="no trial of 1 came to its end"):
        record(tuning(stopped, status="Stopped"), stopped)


def test_a_search_that_sagemaker_did_not_take_says_what_sagemaker_said():
    refused = {
        "Error": "SageMaker.AmazonSageMakerException",
        "Cause": "MaxParallelTrainingJobs is above the quota",
    }

    with pytest.raises(TuningError, match="was not started: MaxParallelTrainingJobs is above the quota"):
        record(None, error=refused)


def test_a_search_that_still_runs_is_nobodys_result():
    running = tuning(trial(1, 50.0), status="Stopping")

    with pytest.raises(TuningError, match=r"ended as Stopping: States\.Timeout"):
        record(running, trial(1, 50.0), error={"Error": "States.Timeout"})
