"""A training that searches hyperparameters: its calls, its states, and what its roles may do."""

import json

import pytest

from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates
from tests.infra.state_machines import definitions, flaws, tasks
from tests.infra.test_state_machines import definition_of
from tests.infra.test_training_stack import actions, policies
from tests.infra.walk import TaskError, Walk


def options(tuning, **training):
    return json.dumps({"training": {"tuning": tuning, **training}})


SEARCH = {
    "learning_rate": {"min": 0.01, "max": 0.3},
    "max_leaf_nodes": {"min": 8, "max": 64},
    "max_iter": {"min": 50, "max": 500},
    "loss": ["squared_error", "poisson"],
}
VARIANTS = {
    "bayesian": options({"trials": 6, "parallel": 2, "search": SEARCH, "target_value": 40.5}, seed=11),
    "random": options({"strategy": "random", "trials": 12, "parallel": 4, "max_minutes": 90}),
    "grid": options(
        {"strategy": "grid", "search": {"loss": ["squared_error", "poisson"], "max_bins": [63, 255]}}
    ),
    "hyperband": options(
        {"strategy": "hyperband", "trials": 30, "min_steps": 5, "max_steps": 200}, estimator="xgboost"
    ),
    "warm": options({"warm_start": True}, hyperparameters={"loss": "poisson"}),
}


def tune(variant):
    return tasks(definition_of("Training", VARIANTS[variant]))["TuneModel"]["Arguments"]


def config(variant):
    return tune(variant)["HyperParameterTuningJobConfig"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_calls_the_transitions_and_the_expressions_are_right(variant):
    for definition in definitions(templates(VARIANTS[variant])[0]).values():
        assert flaws(definition) == []


@pytest.mark.parametrize("variant", ["bayesian", "warm"])
def test_nothing_is_found_that_nobody_gave_a_reason_for(variant):
    assert findings(stacks(VARIANTS[variant])[1]) == []


def test_without_the_block_there_is_neither_a_state_nor_a_function_of_it():
    template = templates()[0]

    assert "tuning" not in json.dumps(definition_of("Training")).lower()
    assert "Tuning" not in json.dumps(template.to_json())


def test_ranges_are_told_by_their_kind_and_scale_as_text():
    assert config("bayesian")["ParameterRanges"] == {
        "IntegerParameterRanges": [
            {"Name": "max_leaf_nodes", "MinValue": "8", "MaxValue": "64", "ScalingType": "Logarithmic"},
            {"Name": "max_iter", "MinValue": "50", "MaxValue": "500", "ScalingType": "Auto"},
        ],
        "ContinuousParameterRanges": [
            {"Name": "learning_rate", "MinValue": "0.01", "MaxValue": "0.3", "ScalingType": "Logarithmic"}
        ],
        "CategoricalParameterRanges": [{"Name": "loss", "Values": ["squared_error", "poisson"]}],
    }


def test_the_search_follows_the_file():
    bayesian, random = config("bayesian"), config("random")

    assert (bayesian["Strategy"], bayesian["RandomSeed"]) == ("Bayesian", 11)
    assert bayesian["HyperParameterTuningJobObjective"] == {
        "Type": "Minimize",
        "MetricName": "validation:rmse",
    }
    assert bayesian["TuningJobCompletionCriteria"] == {"TargetObjectiveMetricValue": 40.5}
    assert bayesian["TrainingJobEarlyStoppingType"] == "Off"
    assert random["Strategy"] == "Random"
    assert random["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 12,
        "MaxParallelTrainingJobs": 4,
        "MaxRuntimeInSeconds": 90 * 60,
    }


def test_a_score_is_maximised():
    binary = json.dumps({"problem": "binary", "training": {"tuning": {}}})
    arguments = tasks(definition_of("Training", binary))["TuneModel"]["Arguments"]

    assert arguments["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"] == {
        "Type": "Maximize",
        "MetricName": "validation:roc_auc",
    }


def test_a_grid_has_lists_only_and_a_trial_for_each_combination():
    assert config("grid")["ParameterRanges"] == {
        "CategoricalParameterRanges": [
            {"Name": "loss", "Values": ["squared_error", "poisson"]},
            {"Name": "max_bins", "Values": ["63", "255"]},
        ]
    }
    assert config("grid")["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 4


def test_hyperband_is_told_of_two_steps_more_than_a_trial_has_so_that_none_ends_before_its_model_is_written():
    assert config("hyperband")["StrategyConfig"] == {
        "HyperbandStrategyConfig": {"MinResource": 5, "MaxResource": 202}
    }
    assert config("hyperband")["TrainingJobEarlyStoppingType"] == "Off"
    assert tune("hyperband")["TrainingJobDefinition"]["StaticHyperParameters"]["n_estimators"] == "200"


def test_a_trial_is_a_training_job_but_for_what_is_searched():
    single = tasks(definition_of("Training"))["TrainModel"]["Arguments"]
    trial = tune("warm")["TrainingJobDefinition"]

    assert trial["StaticHyperParameters"] == {"loss": "poisson"}
    for name in (
        "AlgorithmSpecification",
        "InputDataConfig",
        "OutputDataConfig",
        "ResourceConfig",
        "StoppingCondition",
    ):
        assert trial[name] == single[name]
    assert trial["EnableNetworkIsolation"] is True
    assert trial["EnableInterContainerTrafficEncryption"] is True


def test_a_search_that_begins_warm_differs_by_nothing_else():
    states = tasks(definition_of("Training", VARIANTS["warm"]))
    warm = states["TuneModelWarm"]["Arguments"]

    assert warm.pop("WarmStartConfig") == {
        "WarmStartType": "TransferLearning",
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "{% $tuning_parent %}"}],
    }
    assert warm == states["TuneModel"]["Arguments"]


def test_the_execution_lasts_longer_than_the_search_and_the_evaluation_together():
    definition = definition_of("Training", VARIANTS["warm"])
    states = tasks(definition)

    longest = states["TuneModel"]["TimeoutSeconds"] + states["EvaluateModel"]["TimeoutSeconds"]
    assert config("warm")["ResourceLimits"]["MaxRuntimeInSeconds"] < states["TuneModel"]["TimeoutSeconds"]
    assert definition["TimeoutSeconds"] > longest


# --- roles


def statements_of(template, role, action):
    return [
        statement
        for name, found in policies(template).items()
        if name.startswith(role)
        for statement in found
        if action in actions(statement)
    ]


def test_the_state_machine_may_run_its_own_searches_and_its_own_training_jobs():
    template = templates(VARIANTS["bayesian"])[0]
    (creates,) = statements_of(template, "Training", "sagemaker:CreateHyperParameterTuningJob")
    tags = json.dumps(statements_of(template, "Training", "sagemaker:AddTags"))
    watched = json.dumps(statements_of(template, "Training", "events:PutRule"))

    assert ":hyper-parameter-tuning-job/bike-*" in json.dumps(creates["Resource"])
    assert {"sagemaker:DescribeHyperParameterTuningJob", "sagemaker:StopHyperParameterTuningJob"} <= set(
        actions(creates)
    )
    assert ":training-job/bike-*" in tags
    assert "StepFunctionsGetEventsForSageMakerTuningJobsRule" in watched
    (trains,) = statements_of(template, "Training", "sagemaker:CreateTrainingJob")
    assert ":training-job/headrace-bike-*" in json.dumps(trains["Resource"])


def test_who_records_trials_reads_them_and_writes_nothing_else():
    template = templates(VARIANTS["bayesian"])[0]
    (writes,) = statements_of(template, "TuningRecordTrials", "s3:PutObject")
    (lists,) = statements_of(
        template, "TuningRecordTrials", "sagemaker:ListTrainingJobsForHyperParameterTuningJob"
    )

    assert "/evaluations/*/trials.json" in json.dumps(writes["Resource"])
    assert ":hyper-parameter-tuning-job/bike-*" in json.dumps(lists["Resource"])
    assert not statements_of(template, "TuningRecordTrials", "s3:GetObject")


def test_only_who_begins_warm_looks_at_former_searches():
    cold, warm = (templates(VARIANTS[name])[0] for name in ("bayesian", "warm"))
    describe = "sagemaker:DescribeHyperParameterTuningJob"

    assert not statements_of(cold, "TuningPlanTuning", describe)
    assert statements_of(warm, "TuningPlanTuning", describe)
    assert statements_of(warm, "TuningPlanTuning", "dynamodb:Query")


# --- walked through


def payload(value):
    return {"Payload": value, "StatusCode": 200}


GUARD = {
    "proceed": True,
    "reason": "manual",
    "run": "headrace-bike-1",
    "token": "t",
    "started_at": "2026-01-31T12:00:00+00:00",
    "cause": {},
    "champion": {"version": 3, "snapshot": "h0"},
    "champion_input": [],
    "evaluation_environment": {},
}
SNAPSHOT = {
    "large": False,
    "content_hash": "h",
    "window": "all",
    "rows": {"train": 700, "validation": 100, "test": 200},
    **{
        f"{name}_uri": f"s3://artifacts/{name}" for name in ("train", "validation", "test", "spec", "recency")
    },
}
BEST = {
    "trial": "s3://artifacts/training/best/output/model.tar.gz",
    "given": {"loss": "poisson", "learning_rate": "0.1"},
    "hyperparameters": {"loss": "poisson", "learning_rate": 0.1},
    "tuning": {"job": "bike-t9p1c00", "strategy": "bayesian", "trials": "6"},
}
TRAINED = {
    "job": "headrace-bike-1-0",
    "model_data_url": "s3://artifacts/training/headrace-bike-1-0/output/model.tar.gz",
    **{name: BEST[name] for name in ("hyperparameters", "tuning", "trial")},
}
JUDGEMENT = {"promote": True, "why": "better", "metrics": {}, "measured": {}, "metadata": {}, "card": "{}"}


def walk(variant, **answers):
    known = {
        "GuardTraining": payload(GUARD),
        "SnapshotData": payload(SNAPSHOT),
        "PlanTuning": payload({"job": "bike-t9p1c0", "parent": ""}),
        "TuneModel": {},
        "TuneModelWarm": {},
        "RecordTrials": payload(BEST),
        "TrainModel": {
            "TrainingJobName": TRAINED["job"],
            "ModelArtifacts": {"S3ModelArtifacts": TRAINED["model_data_url"]},
        },
        "EvaluateModel": {},
        "JudgeModel": payload(JUDGEMENT),
        "SignModel": payload({}),
        "RegisterModel": {"ModelPackageArn": "arn:4"},
        "ApproveModel": {},
        "CloseRegistered": payload({}),
        "CloseFailed": payload({"why": "why"}),
    }
    execution = Walk(definition_of("Training", VARIANTS[variant]), {**known, **answers})
    return execution, execution.run({"reason": "manual"})


def test_a_model_with_the_best_trials_hyperparameters_is_evaluated_beside_it_judged_and_registered():
    execution, end = walk("bayesian")

    inputs = {
        each["InputName"]: each["S3Input"]["S3Uri"]
        for each in execution.arguments("EvaluateModel")[0]["ProcessingInputs"]
    }
    (trained,) = execution.arguments("TrainModel")
    (judged,) = execution.arguments("JudgeModel")
    (registered,) = execution.arguments("RegisterModel")
    (closed,) = execution.arguments("CloseRegistered")
    assert end == "ModelRegistered"
    assert trained["HyperParameters"] == BEST["given"]
    assert (inputs["challenger"], inputs["trial"]) == (TRAINED["model_data_url"], BEST["trial"])
    assert judged["Payload"]["training_job"] == TRAINED["job"]
    assert judged["Payload"]["training"] == TRAINED
    assert registered["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == TRAINED["model_data_url"]
    assert (closed["Payload"]["tuning_job"], closed["Payload"]["training"]) == ("bike-t9p1c0", TRAINED)


def test_the_search_is_named_by_its_plan_and_its_attempt():
    execution, _ = walk("warm", PlanTuning=payload({"job": "bike-t9p1c0", "parent": "bike-t9oa000"}))

    (arguments,) = execution.arguments("TuneModelWarm")
    assert "TuneModel" not in execution.visited
    assert arguments["HyperParameterTuningJobName"].startswith("bike-t9p1c0")
    (parent,) = arguments["WarmStartConfig"]["ParentHyperParameterTuningJobs"]
    assert parent == {"HyperParameterTuningJobName": "bike-t9oa000"}


def test_a_first_search_begins_cold_though_it_might_begin_warm():
    execution, _ = walk("warm")

    assert "TuneModelWarm" not in execution.visited
    assert "TuneModel" in execution.visited


def test_a_search_that_was_stopped_goes_on_with_its_best_trial_and_leaves_no_error_behind():
    execution, end = walk("bayesian", TuneModel=TaskError("States.TaskFailed", "{}"))

    assert end == "ModelRegistered"
    assert execution.arguments("RecordTrials")[0]["Payload"]["error"]["Error"] == "States.TaskFailed"
    assert execution.arguments("CloseRegistered")[0]["Payload"]["error"] == {}


def test_a_search_without_a_model_is_a_failed_training_whose_trials_are_paid_for():
    execution, end = walk(
        "bayesian",
        TuneModel=TaskError("States.TaskFailed", "{}"),
        RecordTrials=TaskError("TuningError", "the tuning ended as Failed"),
    )

    (closed,) = execution.arguments("CloseFailed")
    assert end == "TrainingFailed"
    assert closed["Payload"]["error"] == {"Error": "TuningError", "Cause": "the tuning ended as Failed"}
    assert closed["Payload"]["tuning_job"] == "bike-t9p1c0"
