"""A training leaves evidence in the model, and the evaluation brings it together with the test part."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows


def job(base, problem="regression", estimator="linear", evaluation=None, **fields):
    made = OptMl(base, problem, estimator)
    made.spec["pipeline"] |= {"evaluation": {"learning_curve": False, **(evaluation or {})}, **fields}
    return made


def evaluated(made, train=None, test=None):
    assert made.train(train) == 0
    assert made.evaluate(rows(200, 2) if test is None else test, made.model) == 0
    return json.loads((made.base / "processing" / "output" / "evaluation.json").read_text())


def evidence(made):
    return json.loads((made.model / "evidence.json").read_text())


def test_a_sound_model_has_a_verdict_importances_and_no_leaks(tmp_path):
    found = evaluated(job(tmp_path, evaluation={"learning_curve": "auto"}))

    assert found["verdict"]["state"] == "sound"
    assert found["leakage"] == []
    assert found["importance"][0]["feature"] == "temp"
    assert {each["feature"] for each in found["importance"]} == {"temp", "season", "holiday", "at"}
    assert [point["rows"] for point in found["learning_curve"]] == [150, 300, 600]
    assert found["cross_validation"] is None


def test_a_copy_of_the_target_is_found_and_said_in_the_log(tmp_path, capsys):
    train, test = (frame.assign(temp=frame["rides"] * 2) for frame in (rows(600), rows(200, 2)))

    found = evaluated(job(tmp_path), train, test)

    assert [(each["check"], each["columns"], each["stops"]) for each in found["leakage"]] == [
        ("target_copy", ["temp"], True)
    ]
    assert "Leakage: column 'temp' is the target under another name" in capsys.readouterr().out


def test_test_rows_that_training_has_too_are_counted(tmp_path):
    test = pd.concat([rows(600)[:50], rows(150, 2)])

    (finding,) = evaluated(job(tmp_path), test=test)["leakage"]

    assert finding["check"] == "duplicate_rows"
    assert finding["figure"] == pytest.approx(0.25, abs=0.01)  # one row more is alike by chance
    assert finding["stops"]


def test_a_model_that_has_seen_the_future_of_its_test_rows_is_warned_of(tmp_path):
    found = evaluated(job(tmp_path, time="at"))["leakage"]

    assert [(each["check"], each["stops"]) for each in found] == [("time_order", False)]
    assert "100% of the test rows are older than the newest training row" in found[0]["sentence"]


def test_switched_off_nobody_looks(tmp_path):
    made = job(tmp_path, evaluation={"leakage": {"policy": "off"}})
    found = evaluated(made, *(frame.assign(temp=frame["rides"]) for frame in (rows(600), rows(200, 2))))

    assert found["leakage"] == []
    assert evidence(made)["leakage"] is None


@pytest.mark.parametrize(
    ("problem", "block", "fields"),
    [
        ("regression", {}, {}),
        ("binary", {"by": "stratified", "repeats": 2}, {}),
        ("multiclass", {"by": "group"}, {"split": {"by": "group", "group": "season"}}),
        ("regression", {"by": "time"}, {"time": "at"}),
    ],
)
def test_folds_give_values_a_mean_an_interval_and_a_pooled_figure(tmp_path, problem, block, fields):
    made = job(tmp_path, problem, evaluation={"cross_validation": {"folds": 3, **block}}, **fields)

    found = evaluated(made)["cross_validation"]

    metric = {"regression": "rmse", "binary": "roc_auc", "multiclass": "f1_macro"}[problem]
    values = found[metric]["values"]
    assert found["by"] == block.get("by", "random")
    assert len(values) == 3 * block.get("repeats", 1)
    assert found[metric]["mean"] == pytest.approx(np.mean(values))
    assert found[metric]["low"] < found[metric]["mean"] < found[metric]["high"]
    assert found["pooled"][metric] == pytest.approx(found[metric]["mean"], rel=0.35)
    assert found["rows"] == 750


def test_the_test_part_is_cross_validated_only_where_it_is_asked_for(tmp_path):
    made = job(tmp_path, evaluation={"cross_validation": {"folds": 3, "over": "all"}})
    made._write(rows(200, 2), made.base / "input" / "data" / "test")

    assert evaluated(made)["cross_validation"]["rows"] == 950


def test_the_same_rows_give_the_same_evidence(tmp_path):
    blocks = {"learning_curve": True, "cross_validation": {"folds": 2}}
    first, second = (job(tmp_path / name, evaluation=blocks) for name in ("a", "b"))
    assert first.train() == second.train() == 0

    for name in ("evidence.json", "importance.json", "manifest.json"):
        assert (first.model / name).read_bytes() == (second.model / name).read_bytes()


def test_a_trial_of_a_search_brings_no_evidence_and_is_watched_by_nothing(tmp_path):
    made = job(tmp_path, evaluation={"learning_curve": True, "cross_validation": {"folds": 2}})
    config = made.base / "input" / "config"
    config.mkdir(parents=True)
    config.joinpath("hyperparameters.json").write_text(json.dumps({"_tuning_objective_metric": "rmse"}))
    assert made.train() == 0

    files = {file.name for file in made.model.iterdir()}
    assert {"model.skops", "metrics.json", "manifest.json"} <= files
    assert not files & {"evidence.json", "importance.json", "baseline.json"}


@pytest.mark.parametrize("problem", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "random_forest"])
def test_shap_values_add_up_and_are_told_by_column(tmp_path, problem, estimator):
    """The job itself refuses values that do not add up to the answers."""
    small = {"n_estimators": 10} if estimator == "random_forest" else {"max_iter": 10}
    made = job(tmp_path, problem, estimator, evaluation={"shap": True})
    made.spec["pipeline"]["training"]["hyperparameters"] = small

    found = evaluated(made)["shap"]

    assert {each["feature"] for each in found} == {"temp", "season", "holiday", "at"}
    assert found[0]["feature"] == "temp"
    assert found[0]["mean_abs"] > found[-1]["mean_abs"] >= 0
