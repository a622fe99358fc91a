import json

import pytest
from pydantic import ValidationError

from headrace.config.loading import PipelineError, load_pipeline
from headrace.config.pipeline import Pipeline
from headrace.config.tuning_plan import tuning_plan


def pipeline(tuning, problem="regression", **training):
    return Pipeline(name="bike", problem=problem, target="cnt", training={"tuning": tuning, **training})


def complaint(tuning, **training):
    with pytest.raises(ValidationError) as refused:
        pipeline(tuning, **training)
    return str(refused.value)


LINEAR = {"estimator": "linear"}


@pytest.mark.parametrize(
    ("tuning", "training", "said"),
    [
        (
            {"search": {"depth": [1, 2]}},
            {},
            "tuning.search.depth: hist_gradient_boosting of a regression problem has no",
        ),
        (
            {"search": {"alpha": [1, 2]}},
            {**LINEAR, "hyperparameters": {"alpha": 1}},
            "tuning.search.alpha: is searched, but `training.hyperparameters` fixes it",
        ),
        ({"search": {"alpha": {}}}, LINEAR, "has neither values nor both `min` and `max`"),
        ({"search": {"alpha": {"min": 1}}}, LINEAR, "has neither values nor both `min` and `max`"),
        (
            {"search": {"alpha": {"min": 1, "values": [1]}}},
            LINEAR,
            "has values and a range: name one of them",
        ),
        ({"search": {"alpha": [1, 2, 1]}}, LINEAR, "a value comes twice"),
        (
            {"search": {"alpha": {"min": 2, "max": 1}}},
            LINEAR,
            "goes from 2 to 1: `min` must be less than `max`",
        ),
        (
            {"search": {"alpha": {"min": 0, "max": 1, "scale": "log"}}},
            LINEAR,
            "a logarithmic scale begins above 0",
        ),
        (
            {"strategy": "grid", "search": {"alpha": {"min": 1, "max": 2}}},
            LINEAR,
            "is a range, and grid tries listed",
        ),
        (
            {"strategy": "grid", "search": {"alpha": [1, 2]}, "trials": 3},
            LINEAR,
            "is 3, but grid tries all 2 comb",
        ),
        (
            {
                "strategy": "grid",
                "search": {n: list(range(1, 11)) for n in ("max_iter", "max_depth", "max_bins")},
            },
            {},
            "has 1000 combinations, and SageMaker trains at most 750",
        ),
        ({}, {**LINEAR, "hyperparameters": {"alpha": 1}}, "linear declares nothing to search that"),
        ({"trials": 4, "parallel": 5}, {}, "tuning.parallel: is more than the 4 trials"),
        ({"strategy": "grid", "search": {"alpha": [1, 2]}, "warm_start": True}, LINEAR, "not for grid"),
        ({"trials": 376, "warm_start": True}, {}, "counts the 376 trials of the former tuning, too"),
        (
            {"strategy": "hyperband", "max_steps": 9},
            LINEAR,
            "is hyperband, which ends trials by their steps, but linear",
        ),
        ({"strategy": "hyperband"}, LINEAR, "max_steps: is left out: hyperband must know"),
        ({"strategy": "hyperband", "max_steps": 9, "min_steps": 9}, LINEAR, "is not less than max_steps (9)"),
        (
            {"strategy": "hyperband", "max_steps": 9, "early_stopping": True},
            LINEAR,
            "hyperband ends trials by itself",
        ),
        (
            {"strategy": "hyperband", "max_steps": 9},
            {"estimator": "torch", "hyperparameters": {"epochs": 40}},
            "max_steps: is 9, and `training.hyperparameters` has epochs: 40",
        ),
        (
            {"strategy": "hyperband", "max_steps": 9, "search": {"n_estimators": [10, 20]}},
            {"estimator": "xgboost"},
            "search: has n_estimators, which hyperband decides by max_steps",
        ),
        ({"early_stopping": True}, LINEAR, "ends trials by their steps, but linear reports the metric once"),
        ({"max_steps": 9}, LINEAR, "max_steps: is for hyperband, not for bayesian"),
        ({"min_steps": 9}, LINEAR, "min_steps: is for hyperband, not for bayesian"),
        ({"trials": 751}, {}, "less than or equal to 750"),
        ({"parallel": 101}, {}, "less than or equal to 100"),
        ({"max_minutes": 43_201}, {}, "less than or equal to 43200"),
        ({"search": {"alpha": list(range(31))}}, LINEAR, "at most 30 items"),
        ({"target_value": float("nan")}, {}, "finite number"),
    ],
)
def test_contradictions_are_refused(tuning, training, said):
    assert said in complaint(tuning, **training)


@pytest.mark.parametrize("tuning", [{"strategy": "hyperband", "max_steps": 9}, {"early_stopping": True}])
def test_an_estimator_that_reports_each_step_may_be_ended_early(tuning):
    assert tuning_plan(pipeline(tuning, estimator="xgboost")).trials == 20


def test_thirty_one_hyperparameters_are_more_than_sagemaker_searches(monkeypatch):
    names = [f"h{number}" for number in range(31)]
    monkeypatch.setattr("headrace.config.tuning_agreement.known_hyperparameters", lambda *_: frozenset(names))

    assert "names 31 hyperparameters, and SageMaker searches at most 30" in complaint(
        {"search": {name: [1, 2] for name in names}}
    )


def test_without_the_block_nothing_is_searched():
    assert tuning_plan(Pipeline(name="bike", problem="regression", target="cnt")) is None


def test_what_the_estimator_declares_is_searched_but_for_what_the_file_fixes():
    plan = tuning_plan(pipeline({}, hyperparameters={"learning_rate": 0.1}))

    assert "learning_rate" not in plan.search
    assert plan.search["max_leaf_nodes"] == {"kind": "integer", "low": 8, "high": 128, "scale": "log"}
    assert plan.trials == 20


def test_a_range_is_of_the_kind_and_scale_that_the_estimator_declares():
    searched = tuning_plan(
        pipeline(
            {
                "search": {
                    "alpha": {"min": 1, "max": 10},
                    "max_iter": {"min": 10, "max": 100},
                    "tol": {"min": 0.001, "max": 0.1, "scale": "log"},
                    "solver": ["svd", "lsqr"],
                }
            },
            **LINEAR,
        )
    ).search

    assert searched == {
        "alpha": {"kind": "continuous", "low": 1, "high": 10, "scale": "log"},
        "max_iter": {"kind": "integer", "low": 10, "high": 100, "scale": "auto"},
        "tol": {"kind": "continuous", "low": 0.001, "high": 0.1, "scale": "log"},
        "solver": {"kind": "choice", "values": ("svd", "lsqr")},
    }


def test_a_grid_without_lists_tries_ends_and_middle_of_what_is_declared():
    plan = tuning_plan(pipeline({"strategy": "grid"}, **LINEAR))

    assert plan.search == {"alpha": {"kind": "choice", "values": (0.001, 1.0, 1000.0)}}
    assert plan.trials == 3


def test_time_is_that_of_all_trials_and_costs_are_those_of_the_training_after_them_too():
    whole = tuning_plan(pipeline({"trials": 10, "parallel": 5}, max_runtime_minutes=30, usd_per_hour=2))
    capped = tuning_plan(
        pipeline({"trials": 10, "parallel": 5, "max_minutes": 12}, max_runtime_minutes=30, usd_per_hour=2)
    )

    assert (whole.minutes, whole.trial_minutes, whole.usd) == (80, 300, 11.0)
    assert (capped.minutes, capped.trial_minutes, capped.usd) == (12, 60, 3.0)


def test_a_tuning_may_run_no_longer_than_sagemaker_lets_it():
    assert (
        tuning_plan(pipeline({"trials": 750, "parallel": 1}, max_runtime_minutes=600)).minutes == 30 * 24 * 60
    )


def test_the_jobs_read_what_the_file_says():
    tuned = pipeline({"search": {"alpha": {"min": 1, "max": 10}, "solver": ["svd", "lsqr"]}}, **LINEAR)

    assert Pipeline.model_validate(json.loads(json.dumps(tuned.model_dump(mode="json")))) == tuned


def test_a_mistake_is_told_with_its_line(tmp_path):
    file = tmp_path / "bike.yaml"
    file.write_text(
        "name: bike\nproblem: regression\ntarget: cnt\ntraining:\n  tuning:\n    search:\n"
        "      learning_rate: {min: 0.1, max: 0.5, scal: log}\n      max_dept: [1, 2]\n"
    )

    with pytest.raises(PipelineError) as refused:
        load_pipeline(file)

    assert (
        ":7: training.tuning.search.learning_rate.scal: there is no such field (did you mean scale?)"
        in str(refused.value)
    )
