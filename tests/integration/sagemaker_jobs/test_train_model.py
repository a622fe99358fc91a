import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.entry import run
from sagemaker_jobs.model_files import load_model
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings
from tests.integration.sagemaker_jobs.opt_ml import TARGETS, OptMl, rows

REPO = Path(__file__).parents[3]
ESTIMATORS = {
    "hist_gradient_boosting": {"max_iter": 20},
    "random_forest": {"n_estimators": 10},
    "linear": {},
}


def train_in_a_process_of_its_own(job, hash_seed):
    environment = {**os.environ, **job.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-m", "sagemaker_jobs", "train"],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return job.files()


def test_the_same_rows_seed_and_code_give_the_same_bytes(tmp_path):
    one, other = (OptMl(tmp_path / name).lay_out(rows(600), rows(150, 1)) for name in ("one", "other"))

    assert train_in_a_process_of_its_own(one, "1") == train_in_a_process_of_its_own(other, "2")


def test_other_rows_give_another_model(tmp_path):
    one, other = OptMl(tmp_path / "one"), OptMl(tmp_path / "other")

    assert (one.train(), other.train(rows(600, seed=5))) == (0, 0)
    assert one.files()["model.skops"] != other.files()["model.skops"]


@pytest.mark.parametrize("problem", TARGETS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_learns_every_problem(tmp_path, capsys, problem, estimator):
    job = OptMl(tmp_path, problem, estimator, hyperparameters=ESTIMATORS[estimator])

    assert job.train() == 0

    metrics = job.document("metrics.json")["validation"]
    assert metrics["r2" if problem == "regression" else "accuracy"] > 0.7
    printed = dict(re.findall(r"validation:(\w+)=([-0-9.e]+);", capsys.readouterr().out))
    assert printed.keys() == metrics.keys()
    assert all(float(printed[name]) == pytest.approx(value) for name, value in metrics.items())


def test_the_manifest_says_what_the_model_was_made_from(tmp_path):
    job = OptMl(tmp_path, hyperparameters={"max_iter": 15}, seed=3)
    job.train()

    manifest = job.document("manifest.json")
    assert manifest["hyperparameters"] == {"max_iter": 15}
    assert (manifest["seed"], manifest["content_hash"], manifest["code_version"]) == (3, "c0ffee", "v0")
    assert manifest["files"].keys() == {path.name for path in job.model.iterdir()} - {"manifest.json"}
    assert manifest["packages"]["scikit-learn"] == version("scikit-learn")
    assert manifest["packages"]["onnx"] == version("onnx")


@pytest.mark.parametrize(
    ("estimator", "hyperparameters", "packages"),
    [
        ("xgboost", {"n_estimators": 2}, {"xgboost-cpu"}),
        ("torch", {"epochs": 1}, {"torch"}),
        ("linear", {}, set()),
        ("sgd", {"max_iter": 1}, set()),
    ],
)
def test_the_manifest_has_the_version_of_the_framework_that_has_learned(
    tmp_path, estimator, hyperparameters, packages
):
    job = OptMl(tmp_path, "binary", estimator, hyperparameters=hyperparameters)

    assert job.train(rows(80), rows(30, 1)) == 0

    found = job.document("manifest.json")["packages"]
    frameworks = {"xgboost-cpu", "xgboost", "torch", "keras", "tensorflow", "tensorflow-cpu"}
    assert {name: found[name] for name in found.keys() & frameworks} == {
        name: version(name) for name in packages
    }


def test_hyperparameters_of_the_job_win_over_those_of_the_file(tmp_path):
    job = OptMl(tmp_path, hyperparameters={"max_iter": 15}).lay_out(rows(300), rows(60, 1))
    config = tmp_path / "input" / "config"
    config.mkdir()
    (config / "hyperparameters.json").write_text(json.dumps({"max_iter": "7", "sagemaker_program": "x.py"}))

    assert job.train() == 0
    assert job.document("manifest.json")["hyperparameters"] == {"max_iter": 7}


def test_a_trial_gives_the_bytes_that_its_hyperparameters_give_when_the_file_names_them(tmp_path):
    trial = OptMl(tmp_path / "trial", hyperparameters={"loss": "poisson"}).lay_out(rows(300), rows(60, 1))
    config = trial.base / "input" / "config"
    config.mkdir()
    tuned = {"learning_rate": "0.052341", "max_iter": "9", "_tuning_objective_metric": "validation:rmse"}
    (config / "hyperparameters.json").write_text(json.dumps({**tuned, "loss": "poisson"}))
    named = {"loss": "poisson", "learning_rate": 0.052341, "max_iter": 9}
    again = OptMl(tmp_path / "again", hyperparameters=named)
    positive = [frame.assign(rides=frame["rides"].abs()) for frame in (rows(300), rows(60, 1))]

    assert (trial.train(*positive), again.train(*positive)) == (0, 0)
    assert trial.document("manifest.json")["hyperparameters"] == named
    trial_files, files = trial.files(), again.files()
    assert {name: files[name] for name in ("model.skops", "model.onnx", "metrics.json")} == {
        name: trial_files[name] for name in ("model.skops", "model.onnx", "metrics.json")
    }


def test_memory_is_reckoned_by_the_trees_of_the_trial(tmp_path):
    job = OptMl(tmp_path, "regression", "random_forest", hyperparameters={"min_samples_leaf": 2})
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps({"n_estimators": "100000000"}))

    assert job.train() == 1
    assert "600 training rows take about" in job.failure


def test_a_trial_prints_what_it_is_worth_last_and_as_sagemaker_reads_it(tmp_path, capsys):
    job = OptMl(tmp_path, "regression", "linear")
    job.train()

    printed = re.findall(r"validation:rmse=([-+0-9.eE]+);", capsys.readouterr().out)
    assert float(printed[-1]) == pytest.approx(job.document("metrics.json")["validation"]["rmse"])


def test_the_sample_is_a_real_row_with_the_models_answer(tmp_path):
    job = OptMl(tmp_path)
    job.train()

    sample = job.document("sample.json")
    assert sample["row"].keys() == {"temp", "season", "holiday", "at"}
    assert sample["csv"].splitlines()[0] == "temp,season,holiday,at"
    assert np.isfinite(sample["prediction"]["score"])


def test_the_baseline_profiles_what_was_trained_on(tmp_path):
    job = OptMl(tmp_path)
    job.train()

    baseline = job.document("baseline.json")
    assert [feature["name"] for feature in baseline["features"]] == ["temp", "season", "holiday", "at"]
    assert baseline["rows"] == 600
    assert (baseline["prediction"]["rows"], baseline["score"]) == (150, None)
    assert job.document("statistics.json")["dataset"] == {"item_count": 600}
    assert [feature["name"] for feature in job.document("constraints.json")["features"]] == [
        feature["name"] for feature in baseline["features"]
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"train": rows(1)}, "1 rows"),
        ({"train": rows(300).drop(columns="rides")}, "rides"),
        ({"train": rows(300).drop(columns="temp")}, "temp"),
        ({"train": rows(300).assign(rides=np.nan)}, "no target"),
    ],
    ids="few target feature labels".split(),
)
def test_rows_that_cannot_be_learned_end_with_one_sentence(tmp_path, change, reason):
    job = OptMl(tmp_path)

    assert job.train(**change) == 1
    assert reason in job.failure
    assert "Traceback" not in job.failure
    assert len(job.failure.splitlines()) == 1


@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_one_class_alone_teaches_nothing(tmp_path, problem):
    job = OptMl(tmp_path, problem)
    only = rows(300).assign(**{job.target: "same"})

    assert job.train(only, only) == 1
    assert "Traceback" not in job.failure


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("column", ["temp", "season", "holiday", "at"])
def test_a_column_without_any_value_is_no_obstacle(tmp_path, estimator, column):
    job = OptMl(tmp_path, estimator=estimator, hyperparameters=ESTIMATORS[estimator])
    train = rows(300)
    train[column] = train[column].mask(train[column].notna())

    assert job.train(train, rows(60, 1)) == 0


def test_a_missing_specification_is_named(tmp_path):
    job = OptMl(tmp_path).lay_out(rows(300), rows(60, 1))
    (tmp_path / "input" / "data" / "spec" / "spec.json").unlink()

    assert run(["train"], job.environ) == 1
    assert "spec.json" in job.failure


def test_no_value_of_a_row_is_in_a_failure(tmp_path):
    job = OptMl(tmp_path)
    secret = rows(300).assign(rides="Hildegard4711")

    assert job.train(secret) == 1
    assert "Hildegard4711" not in job.failure


def test_the_model_carries_the_cleaning_steps_of_its_rows_to_the_endpoint_and_to_the_drift_check(tmp_path):
    steps = [{"name": "parse_numbers", "columns": ["temp"], "parameters": {"decimal": ","}}]
    job = OptMl(tmp_path, estimator="linear")
    job.spec["contract"] = {"steps": steps}
    job.train()
    application = Application(load_model(job.model), Settings())
    sample = job.document("sample.json")
    cells = ["" if cell is None else str(cell) for cell in sample["row"].values()]

    as_files_have_it = ";".join(cells).replace(".", ",", 1)
    body = "temp,season,holiday,at\n" + ",".join(f'"{cell}"' for cell in as_files_have_it.split(";")) + "\n"
    reply = application.reply({b"content-type": b"text/csv", b"accept": b"application/json"}, body.encode())

    assert job.document("schema.json")["cleaning"] == steps
    assert job.document("baseline.json")["cleaning"] == steps
    assert json.loads(reply.body)["predictions"] == [pytest.approx(sample["prediction"])]


def by_threshold(folder, **asked):
    job = OptMl(folder, "binary")
    job.spec["pipeline"]["evaluation"] = {"threshold": asked}
    return job


def test_a_threshold_is_part_of_the_model_and_decides_wherever_a_label_is_made(tmp_path):
    job = by_threshold(tmp_path, by="recall_at", at_least=0.99)
    assert job.train() == 0

    threshold = job.document("threshold.json")["value"]
    for model in (load_model(job.model), load_predictor(job.model)):
        assert model.threshold == threshold == job.document("schema.json")["threshold"]
    assert job.document("baseline.json")["threshold"] == threshold
    assert job.document("metrics.json")["validation"]["recall"] >= 0.99
    assert "threshold.json" in job.document("manifest.json")["files"]


def test_without_a_threshold_the_model_has_the_files_that_it_always_had(tmp_path):
    job = OptMl(tmp_path, "binary")
    job.train()

    assert "threshold.json" not in job.files()
    assert "threshold" not in job.document("schema.json")
    assert "threshold" not in job.document("baseline.json")


def test_the_same_rows_give_the_same_threshold_and_bytes(tmp_path):
    asked = {"by": "f_beta", "beta": 2}
    first, second = (by_threshold(tmp_path / name, **asked) for name in ("a", "b"))

    assert first.train() == second.train() == 0
    assert first.files() == second.files()


def test_a_threshold_without_validation_rows_fails_with_one_sentence(tmp_path):
    job = by_threshold(tmp_path, by="youden")

    assert job.train(rows(300), rows(0)) == 1
    assert job.failure.startswith("evaluation.threshold is chosen on the validation part, which has no rows")


def test_a_threshold_on_one_label_fails_with_one_sentence(tmp_path):
    job = by_threshold(tmp_path, by="youden")

    assert job.train(rows(300), rows(60, 1).assign(busy="no")) == 1
    assert "the 60 rows that it is chosen on have one label only" in job.failure
