import pytest

from headrace.config.pipeline import Pipeline
from lambdas.judge_model.facts import Sources
from lambdas.judge_model.handler import judge_model
from lambdas.judge_model.settings import Settings
from tests.unit.lambdas.provenance import CODE, Images, Memory, Versions

EVENT = {
    "run": "headrace-bike-260131-120000-0a1b2c3d",
    "reason": "drift",
    "training_job": "headrace-bike-260131-120000-0a1b2c3d-0",
    "content_hash": "ab" * 32,
    "learned_from": "all rows are learned from",
    "has_champion": True,
}
KEY = f"evaluations/{EVENT['run']}/evaluation.json"
WHOLE = {"rows": 900, "challenger": {"rmse": 42.0, "mae": 30.0}, "champion": {"rmse": 61.5}}
RECENT = {"rows": 20, "challenger": {"rmse": 41.0}, "champion": {"rmse": 70.0}}
BETTER = {**WHOLE, "holdout": {**WHOLE, "rows": 880}, "recent": RECENT}


@pytest.fixture
def pipeline():
    return Pipeline(name="bike", problem="regression", target="cnt")


def judge(pipeline, evaluation, **event):
    documents = Memory({KEY: evaluation} if evaluation is not None else {})
    sources = Sources(documents, Versions(), Images())
    return judge_model({**EVENT, **event}, pipeline, Settings("artifacts", "code1", "image", CODE), sources)


def test_a_better_model_is_promoted_with_its_figures(pipeline):
    verdict = judge(pipeline, BETTER)

    assert verdict["promote"]
    assert verdict["metrics"] == {"rmse": 42.0, "mae": 30.0}


def test_no_evaluation_is_a_refusal(pipeline):
    assert not judge(pipeline, None)["promote"]


def test_a_model_that_was_not_compared_with_the_one_in_service_is_refused(pipeline):
    verdict = judge(pipeline, {**BETTER, "champion": None})

    assert not verdict["promote"]
    assert "not compared" in verdict["why"]


def test_a_champion_that_cannot_answer_gives_way(pipeline):
    assert judge(pipeline, {**BETTER, "champion": None, "champion_problem": "column temp is missing"})[
        "promote"
    ]


def test_the_first_model_has_nobody_to_compare_with(pipeline):
    assert judge(pipeline, {**BETTER, "champion": None}, has_champion=False)["promote"]


def test_the_limits_of_the_pipeline_file_are_the_gates(pipeline):
    strict = Pipeline(name="bike", problem="regression", target="cnt", evaluation={"max_value": 40})

    assert not judge(strict, BETTER)["promote"]


def test_the_registry_is_told_where_the_model_comes_from_within_its_limits(pipeline):
    many = {f"m{n}": 0.5 for n in range(100)} | {"rmse": 42.0}
    metadata = judge(pipeline, {**BETTER, "challenger": many}, reason="x" * 300)["metadata"]

    assert metadata["content_hash"] == EVENT["content_hash"]
    assert metadata["code_version"] == "code1"
    assert len(metadata) <= 50
    assert all(len(value) <= 256 for value in metadata.values())


def test_the_registry_is_told_what_both_models_are_worth_on_each_part_and_what_was_learned_from(pipeline):
    verdict = judge(pipeline, BETTER)

    assert verdict["measured"] == {
        "holdout": "rmse 42 on 880 rows / 61.5 of the model in service",
        "recent": "rmse 41 on 20 rows / 70 of the model in service",
    }
    assert verdict["metadata"].items() >= verdict["measured"].items()
    assert verdict["metadata"]["learned_from"] == EVENT["learned_from"]


def test_the_registry_is_told_which_engine_answers_and_why(pipeline):
    engine = {"name": "skops", "why": "the step 'tfidf' reads text, for which there is no operator"}

    metadata = judge(pipeline, {**BETTER, "engine": engine})["metadata"]

    assert metadata["engine"] == "skops"
    assert metadata["engine:why"] == "the step tfidf reads text - for which there is no operator"
    assert "engine" not in judge(pipeline, BETTER)["metadata"]


@pytest.mark.parametrize(("reason", "promoted"), [("drift", True), ("new_data", False)])
def test_the_reason_of_the_training_says_which_part_decides(pipeline, reason, promoted):
    old = {"rows": 800, "challenger": {"rmse": 45.0}, "champion": {"rmse": 40.0}}
    whole = {"rows": 900, "challenger": {"rmse": 44.0}, "champion": {"rmse": 43.0}}
    recent = {**RECENT, "rows": 100}

    assert judge(pipeline, {**whole, "holdout": old, "recent": recent}, reason=reason)["promote"] is promoted


def test_the_registry_is_told_which_alarm_and_which_features_the_model_is_because_of(pipeline):
    cause = {"alarm": "bike-DriftAlarm", "about": "temp, saison (é)"}

    metadata = judge(pipeline, BETTER, cause=cause)["metadata"]

    assert (metadata["reason"], metadata["reason:alarm"]) == ("drift", "bike-DriftAlarm")
    assert metadata["reason:about"] == "temp - saison é"


def test_a_training_without_an_alarm_names_none(pipeline):
    metadata = judge(pipeline, BETTER, cause={"alarm": "", "about": "started by hand"})["metadata"]

    assert "reason:alarm" not in metadata
    assert metadata["reason:about"] == "started by hand"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "42", True])
@pytest.mark.parametrize("model", ["challenger", "champion"])
def test_a_metric_that_is_no_number_never_registers(pipeline, model, value):
    verdict = judge(pipeline, {**BETTER, model: {"rmse": value}})

    assert not verdict["promote"]
    assert verdict["why"].startswith("refused: ")


@pytest.mark.parametrize("missing", ["rows", "challenger", "holdout", "recent"])
def test_an_evaluation_that_lacks_what_proves_it_never_registers(pipeline, missing):
    verdict = judge(pipeline, {name: value for name, value in BETTER.items() if name != missing})

    assert not verdict["promote"]


def test_an_evaluation_of_an_earlier_run_is_none_of_this_one(pipeline):
    sources = Sources(Memory({"evaluations/another-run/evaluation.json": BETTER}), Versions(), Images())

    verdict = judge_model(EVENT, pipeline, Settings("artifacts", "code1", "image", CODE), sources)

    assert not verdict["promote"]


def test_floors_and_luck_are_the_gates(pipeline):
    floors = {"floors": {"mae": 25.0}}
    strict = Pipeline(name="bike", problem="regression", target="cnt", evaluation=floors)
    sure = Pipeline(name="bike", problem="regression", target="cnt", evaluation={"beyond_luck": True})

    assert "mae 30 on 900 unseen rows" in judge(strict, BETTER)["why"]
    assert not judge(sure, BETTER)["promote"]
    likely = {**BETTER, "intervals": {"improvement": [15.0, 24.0]}}
    assert judge(sure, likely)["promote"]


def test_the_registry_is_told_of_the_search_and_hashes_what_the_trial_was_trained_with(pipeline):
    tuning = {
        "job": "bike-t9p1c00",
        "strategy": "bayesian",
        "trials": "6",
        "best": "max_iter=50",
        "objective": "rmse 42",
    }
    training = {"hyperparameters": {"max_iter": 50}, "tuning": tuning}
    fixed = Pipeline(
        name="bike", problem="regression", target="cnt", training={"hyperparameters": {"max_iter": 50}}
    )

    searched, told, plain = (
        judge(pipeline, BETTER, training=training)["metadata"],
        judge(fixed, BETTER)["metadata"],
        judge(pipeline, BETTER)["metadata"],
    )

    assert (
        searched["hyperparameters_sha256"]
        == told["hyperparameters_sha256"]
        != plain["hyperparameters_sha256"]
    )
    assert (searched["tuning:strategy"], searched["tuning:trials"]) == ("bayesian", "6")
    assert searched["tuning:best"] == "max_iter=50"
    assert not any(name.startswith("tuning") for name in plain)


UNFAIR = {
    "sex": {
        "groups": {"F": {"rows": 300, "mean_error": -4.0}, "M": {"rows": 580, "mean_error": 2.0}},
        "gaps": {
            "mean_error": {
                "value": 6.0,
                "low": 4.5,
                "high": 7.4,
                "figure": "mean_error",
                "lowest": "F",
                "highest": "M",
                "left_out": ["(missing)"],
            }
        },
    }
}


def test_groups_that_are_too_far_apart_are_refused_by_name_and_the_registry_is_told():
    def fair(**block):
        return Pipeline(
            name="bike",
            problem="regression",
            target="cnt",
            ignore=["sex"],
            evaluation={"fairness": {"columns": ["sex"], **block}},
        )

    refused = judge(fair(max_gap=5, gate=True), {**BETTER, "fairness": UNFAIR})

    assert not refused["promote"]
    assert refused["why"] == (
        "refused: mean error by 'sex': the mean error is -4 of 'F' (300 rows) and 2 of 'M' (580 rows), "
        "a gap of 6 (95 %: 4.5 to 7.4), where at most 5 is let in; too small to be compared: '(missing)'"
    )
    assert refused["metadata"]["fairness:sex"] == (
        "mean error: gap 6: mean_error -4 of F on 300 rows - 2 of M on 580 rows"
    )
    assert judge(fair(max_gap=7, gate=True), {**BETTER, "fairness": UNFAIR})["promote"]
    assert judge(fair(max_gap=5), {**BETTER, "fairness": UNFAIR})["promote"]
    assert not judge(fair(max_gap=7, gate=True), BETTER)["promote"]


def test_the_registry_is_told_the_threshold(pipeline):
    threshold = {"value": 0.3125, "by": "cost"}

    metadata = judge(pipeline, {**BETTER, "threshold": threshold})["metadata"]

    assert metadata["threshold"] == "0.3125 by cost"
    assert "threshold" not in judge(pipeline, {**BETTER, "threshold": None})["metadata"]


COPY = {"check": "target_copy", "columns": ["paid"], "stops": True, "sentence": "column 'paid' is the target"}


def test_a_leak_is_refused_where_the_policy_is_block_and_told_where_it_is_warn(pipeline):
    strict = Pipeline(
        name="bike", problem="regression", target="cnt", evaluation={"leakage": {"policy": "block"}}
    )

    refused, warned = (judge(each, {**BETTER, "leakage": [COPY]}) for each in (strict, pipeline))

    assert not refused["promote"]
    assert refused["why"] == "refused: a leak: column 'paid' is the target"
    assert warned["promote"]
    assert warned["metadata"]["leakage"] == "target_copy paid"


def test_the_registry_remembers_the_verdict(pipeline):
    verdict = {"state": "sound", "sentence": "sound: rmse 42 on unseen rows"}

    assert judge(pipeline, {**BETTER, "verdict": verdict})["metadata"]["verdict"] == verdict["sentence"]
