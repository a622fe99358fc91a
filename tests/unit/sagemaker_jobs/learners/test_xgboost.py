"""XGBoost learns, and what it has learned answers without it."""

import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import xgboost

from headrace.config.features import Features
from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.engines import OnnxModel
from sagemaker_jobs.estimators import fit
from sagemaker_jobs.evidence.grown_trees import grown_trees
from sagemaker_jobs.evidence.shap_values import explained
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners import extras
from sagemaker_jobs.learners.graph_estimator import GraphEstimator
from sagemaker_jobs.learners.interface import LabelledRows, Layout, Task
from sagemaker_jobs.learners.xgboost_graph import boosted_graph
from sagemaker_jobs.learners.xgboost_trees import Xgboost
from sagemaker_jobs.model import Model
from sagemaker_jobs.model_files import save_model
from sagemaker_jobs.onnx_export.export import export_onnx
from sagemaker_jobs.onnx_export.graph import NotExportableError
from sagemaker_jobs.onnx_export.hostile_rows import hostile_rows
from sagemaker_jobs.onnx_export.parity import compare
from sagemaker_jobs.recipe import Recipe
from tests.integration.sagemaker_jobs.opt_ml import OptMl
from tests.integration.sagemaker_jobs.opt_ml import rows as files
from tests.unit.sagemaker_jobs.onnx_export.small_data import SCHEMA, part

PROBLEMS = ("regression", "binary", "multiclass")
LAYOUT = Layout(("number", "number", "category"), {2: 40})
CLASSES = {"regression": 0, "binary": 2, "multiclass": 3}


def rows(problem="regression", n=400, seed=0):
    """Return rows whose target depends on a number and on a category, with gaps."""
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(size=n), rng.gamma(2, 3, n), rng.integers(0, 40, n)])
    value = 3 * matrix[:, 0] + 5 * (matrix[:, 2] % 3) + rng.normal(size=n)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    target = {
        "regression": value,
        "binary": np.where(value > 5, "yes", "no"),
        "multiclass": np.select([value < 2, value < 7], ["low", "middle"], "high"),
    }[problem]
    return LabelledRows(matrix, target)


def task(problem="regression", **fields):
    return Task(
        problem, fields.pop("train", rows(problem)), fields.pop("validation", None), LAYOUT, 3, **fields
    )


def fitted(problem="regression", **fields):
    return Xgboost().fit(task(problem, **{"hyperparameters": {"n_estimators": 10}, **fields}))


def near_every_threshold(booster):
    """Return cells at, just below and just above every split of a booster, in float64 and in float32."""
    splits = booster.trees_to_dataframe()["Split"].dropna().to_numpy(np.float32)
    narrow = [np.nextafter(splits, np.float32(side)) for side in (-np.inf, np.inf)]
    wide = [np.nextafter(splits.astype(np.float64), side) for side in (-np.inf, np.inf)]
    return np.concatenate([splits, *narrow, *wide, [0.0, -0.0, 1e-45, 3.4e38, -3.4e38, np.nan]]).astype(
        np.float64
    )


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_graph_answers_as_xgboost_also_at_its_thresholds_and_for_any_category(problem):
    given = rows(problem)
    labels = sorted(set(given.target)) if problem != "regression" else []
    target = np.searchsorted(labels, given.target) if labels else given.target
    matrix = xgboost.DMatrix(
        given.matrix.astype(np.float32), target, feature_types=["q", "q", "c"], enable_categorical=True
    )
    objective = {"binary": "binary:logistic", "multiclass": "multi:softprob"}.get(problem, "reg:squarederror")
    extra = {"num_class": 3} if problem == "multiclass" else {}
    booster = xgboost.train({"objective": objective, "max_depth": 5, **extra}, matrix, 30)
    estimator = GraphEstimator(boosted_graph(booster, 3, CLASSES[problem]), labels or None)
    cells = near_every_threshold(booster)
    rng = np.random.default_rng(1)
    hostile = np.column_stack(
        [rng.permutation(cells), rng.permutation(cells), rng.integers(0, 40, len(cells))]
    )
    hostile[::7, 2] = np.nan

    right = booster.predict(
        xgboost.DMatrix(hostile.astype(np.float32), feature_types=["q", "q", "c"], enable_categorical=True)
    )
    answers = estimator.predict_proba(hostile)

    assert len(cells) > 500
    found = answers[:, 1] if problem == "binary" else answers
    assert np.abs(found - right).max() < 3e-6 * max(1.0, np.abs(right).max())


@pytest.mark.parametrize("problem", PROBLEMS)
def test_its_answers_are_explained_as_xgboost_itself_explains_them(problem):
    model, cells = fitted(problem), rows(problem, 50, seed=1).matrix
    matrix = xgboost.DMatrix(cells.astype(np.float32), feature_types=["q", "q", "c"], enable_categorical=True)

    values, base = explained(grown_trees(model), cells)

    right = model.booster.predict(matrix, pred_contribs=True, strict_shape=True)
    assert np.abs(values - right[:, :, :-1]).max() < 2e-5 * max(1.0, np.abs(right).max())
    assert base == pytest.approx(right[0, :, -1], abs=1e-4 * max(1.0, float(np.abs(right).max())))


@pytest.mark.parametrize("objective", ["count:poisson", "reg:gamma", "reg:tweedie"])
def test_a_logarithm_is_explained_where_the_sum_is_one(objective):
    given = rows()
    positive = LabelledRows(given.matrix, np.abs(given.target) + 0.5)
    model = fitted(train=positive, hyperparameters={"n_estimators": 5, "objective": objective})

    values, base = explained(grown_trees(model), given.matrix[:20])

    assert np.exp(values.sum(axis=2)[:, 0] + base) == pytest.approx(model.predict(given.matrix[:20]))


def test_the_booster_is_no_part_of_the_model(tmp_path):
    model = fitted()
    save_model(model, tmp_path)
    model.booster = None

    (tmp_path / "again").mkdir()
    save_model(model, tmp_path / "again")

    assert (tmp_path / "model.skops").read_bytes() == (tmp_path / "again" / "model.skops").read_bytes()


@pytest.mark.parametrize("objective", ["reg:absoluteerror", "count:poisson", "reg:gamma", "reg:tweedie"])
def test_every_objective_of_numbers_has_its_graph(objective):
    given = rows()
    positive = LabelledRows(given.matrix, np.abs(given.target) + 0.5)

    model = fitted(train=positive, hyperparameters={"n_estimators": 20, "objective": objective})

    answers = model.predict(given.matrix)
    assert np.corrcoef(answers, positive.target)[0, 1] > 0.4
    assert 0.5 < answers.mean() / positive.target.mean() < 1.5


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_whole_pipeline_is_one_graph_that_answers_the_same(problem):
    train = part(problem)
    recipe = Recipe(problem, "xgboost", SCHEMA, 3, {"n_estimators": 12})
    model = Model(problem, SCHEMA, fit(recipe, train, train.first(50)))
    engine = OnnxModel(problem, SCHEMA, model.classes, (), export_onnx(model.pipeline, SCHEMA))
    unseen = part(problem, rows=300, seed=1).columns

    found = compare(model, engine, [unseen, *hostile_rows(unseen, SCHEMA)])

    assert found.rows > 900
    assert found.refused == 0
    assert found.other_labels == 0
    assert found.difference < 1e-12


def test_steps_before_it_are_part_of_the_graph():
    schema = tuple(column for column in SCHEMA if column.name in ("temp", "season", "road", "at"))
    train = part("binary")
    steps = [
        {"step": "impute", "columns": ["temp"], "indicator": True},
        {"step": "one_hot", "columns": ["season"]},
        {"step": "target_mean", "columns": ["road"]},
    ]
    features = Features.model_validate({"steps": steps})
    recipe = Recipe("binary", "xgboost", schema, 3, {"n_estimators": 12}, features)
    model = Model("binary", schema, fit(recipe, train, train.first(50)))
    engine = OnnxModel("binary", schema, model.classes, (), export_onnx(model.pipeline, schema))
    unseen = {
        name: cells
        for name, cells in part("binary", 300, 1).columns.items()
        if name in {c.name for c in schema}
    }

    found = compare(model, engine, [unseen, *hostile_rows(unseen, schema)])

    assert found.rows > 500
    assert found.difference < 1e-12


def test_the_same_rows_give_the_same_bytes_whatever_the_number_of_threads(monkeypatch, tmp_path):
    made = []
    for threads in (1, 2, 3):
        monkeypatch.setattr("sagemaker_jobs.learners.xgboost_trees.threads_for", lambda _, n=threads: n)
        model = fitted(
            "binary", hyperparameters={"n_estimators": 20, "subsample": 0.7, "colsample_bytree": 0.7}
        )
        made.append(model.graph)

    assert len(set(made)) == 1


def test_another_seed_samples_otherwise():
    given = {"n_estimators": 10, "subsample": 0.5}
    one = Xgboost().fit(Task("regression", rows(), None, LAYOUT, 1, given))
    other = Xgboost().fit(Task("regression", rows(), None, LAYOUT, 2, given))

    assert one.graph != other.graph


def test_it_stops_when_the_validation_rows_do_not_become_better_and_tells_each_round():
    told = []
    fitted(
        validation=rows(n=300, seed=5),
        hyperparameters={"learning_rate": 0.5, "early_stopping_rounds": 5},
        metric="rmse",
        report=lambda step, value: told.append((step, value)),
    )

    steps, values = zip(*told, strict=True)
    assert list(steps) == list(range(len(steps)))
    assert len(steps) < 200
    assert int(np.argmin(values)) == len(steps) - 6


def test_the_trees_after_the_best_round_are_not_part_of_the_model():
    held_out = rows(n=300, seed=5)
    told = []
    model = fitted(
        validation=held_out,
        hyperparameters={"learning_rate": 0.5, "early_stopping_rounds": 5},
        metric="rmse",
        report=lambda _, value: told.append(value),
    )

    found = np.sqrt(np.mean((model.predict(held_out.matrix) - held_out.target) ** 2))
    assert found == pytest.approx(min(told), rel=1e-5)


@pytest.mark.parametrize(("problem", "metric"), [("binary", "roc_auc"), ("multiclass", "f1_macro")])
def test_the_decisive_metric_is_what_is_told_and_a_label_that_training_has_not_seen_is_left_out(
    problem, metric
):
    held_out = rows(problem, n=300, seed=5)
    held_out.target[0] = "new"
    told = []

    fitted(problem, validation=held_out, metric=metric, report=lambda _, value: told.append(value))

    assert len(told) == 10
    assert 0.5 < told[-1] <= 1


def test_weights_count_in_learning():
    given = rows("binary")
    weights = np.where(given.target == "yes", 10.0, 0.1)
    weighted = LabelledRows(given.matrix, given.target, weights)

    plain, heavy = fitted("binary"), fitted("binary", train=weighted)

    assert (
        heavy.predict_proba(given.matrix)[:, 1].mean() > plain.predict_proba(given.matrix)[:, 1].mean() + 0.2
    )


def test_numbers_beyond_float32_are_learned_from_and_answered():
    given = rows()
    given.matrix[0, 0], given.matrix[1, 0] = 1e300, -1e300

    assert np.isfinite(fitted(train=given).predict(given.matrix)).all()


def test_the_model_is_stored_without_pickle_and_the_same_twice(tmp_path):
    train = part("binary")
    recipe = Recipe("binary", "xgboost", SCHEMA, 3, {"n_estimators": 5})
    made = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        save_model(fit(recipe, train, train.first(50)), tmp_path / name)
        made.append((tmp_path / name / "model.skops").read_bytes())

    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_iter": 3}, "no hyperparameter max_iter; it has colsample"),
        ({"max_depth": "deep"}, "XGBoost cannot learn this: "),
        ({"n_estimators": "many"}, "XGBoost cannot learn this: "),
        ({"objective": "rank:ndcg"}, "objective is 'rank:ndcg', and can be one of reg:squarederror"),
        ({"subsample": 7}, "XGBoost cannot learn this: "),
    ],
)
def test_a_hyperparameter_that_it_does_not_have_or_take_is_told_in_one_line(given, told):
    with pytest.raises(JobError, match=told) as caught:
        fitted(hyperparameters=given)
    assert "\n" not in str(caught.value)


def test_a_missing_extra_says_what_to_run(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)

    with pytest.raises(
        JobError, match="estimator: xgboost needs xgboost, which is not installed: run `make frameworks`"
    ):
        fitted()


def test_a_package_that_is_broken_is_not_taken_for_a_missing_one(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")

    monkeypatch.setattr(extras.importlib, "import_module", broken)

    with pytest.raises(ModuleNotFoundError, match="scipy"):
        extras.need("xgboost", extra="xgboost", asked_by="nobody")


def test_a_graph_of_other_operators_is_not_embedded():
    schema = (ColumnSchema("temp", "number"),)
    train = part()
    recipe = Recipe("regression", "xgboost", schema, 3, {"n_estimators": 2})
    pipeline = fit(recipe, train, train.first(50))
    graph = onnx.load_from_string(pipeline.steps[-1][1].graph)
    graph.opset_import[0].version = 17
    pipeline.steps[-1] = ("predict", GraphEstimator(graph.SerializeToString()))

    with pytest.raises(NotExportableError, match="its own graph has operators  17"):
        export_onnx(pipeline, schema)


def test_serving_and_evaluation_answer_without_xgboost(tmp_path):
    job = OptMl(tmp_path, "binary", "xgboost", hyperparameters={"n_estimators": 5})
    assert job.train() == 0
    assert job.document("manifest.json")["engine"]["name"] == "onnx"
    shutil.copytree(job.model, tmp_path / "challenger")
    code = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('xgboost', 'torch', 'tensorflow', 'keras'):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Refuse())
from pathlib import Path
from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.model_files import load_model
import sagemaker_jobs.serve_model.main, sagemaker_jobs.evaluate_model.main
for engine in ('onnx', 'skops'):
    print(load_predictor(Path({str(job.model)!r}), engine).classes)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    evaluated = job.evaluate(files(200, 2), tmp_path / "challenger")

    assert told.stdout == "('no', 'yes')\n('no', 'yes')\n"
    assert evaluated == 0
    assert job.evaluation["challenger"]["roc_auc"] > 0.8
