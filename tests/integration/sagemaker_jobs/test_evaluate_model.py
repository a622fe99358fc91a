import shutil

import numpy as np
import pytest
from sklearn import metrics as sk

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.gate import GateRule, decide
from headrace.ml.metrics import METRICS
from headrace.ml.quality.performance import Performance
from headrace.ml.recency import HELD_OUT, LEARNED, RECENT
from sagemaker_jobs.engines import ONNX_FILE
from sagemaker_jobs.model_files import load_model
from sagemaker_jobs.model_folder import MANIFEST, read_json, write_manifest
from sagemaker_jobs.parts import read_part
from sagemaker_jobs.spec import read_spec
from tests.integration.sagemaker_jobs.opt_ml import TARGETS, OptMl, rows

TEST = rows(300, 2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the folder of a model of each problem, and of a worse one."""
    models = {}
    for problem in TARGETS:
        for name, n in (("good", 600), ("poor", 25)):
            job = OptMl(tmp_path_factory.mktemp(f"{problem}-{name}"), problem)
            assert job.train(rows(n)) == 0
            models[problem, name] = job.model
    return models


@pytest.mark.parametrize("problem", TARGETS)
def test_both_models_answer_the_same_untouched_rows(tmp_path, trained, problem):
    job = OptMl(tmp_path, problem)

    assert job.evaluate(TEST, trained[problem, "good"], trained[problem, "poor"]) == 0

    found = job.evaluation
    better = found["challenger"][found["metric"]], found["champion"][found["metric"]]
    assert found["rows"] == 300
    assert (better[0] < better[1]) == (found["direction"] == "lower")
    assert found["champion_problem"] is None


def test_figures_are_those_of_scikit_learn(tmp_path, trained):
    job = OptMl(tmp_path)
    job.evaluate(TEST, trained["regression", "good"])

    model = load_model(trained["regression", "good"])
    spec = read_spec(job.base / "processing" / "input" / "spec")
    part = read_part(job.base / "processing" / "input" / "test", spec, model.schema)
    predicted = model.predict(part.columns)
    assert job.evaluation["challenger"] == pytest.approx(
        {
            "rmse": sk.root_mean_squared_error(TEST["rides"], predicted),
            "mae": sk.mean_absolute_error(TEST["rides"], predicted),
            "r2": sk.r2_score(TEST["rides"], predicted),
            "mape": sk.mean_absolute_percentage_error(TEST["rides"], predicted),
            "median_absolute_error": sk.median_absolute_error(TEST["rides"], predicted),
        }
    )


@pytest.mark.parametrize("problem", TARGETS)
def test_what_is_drawn_of_both_models_is_written_beside_the_evaluation(tmp_path, trained, problem):
    job = OptMl(tmp_path, problem)

    assert job.evaluate(TEST, trained[problem, "good"], trained[problem, "poor"]) == 0

    low, high = job.evaluation["intervals"]["improvement"]
    edges = job.curves["improvement"]["edges"]
    assert edges[0] <= low < high <= edges[-1]
    assert "curves" not in job.evaluation
    for name, plot in job.curves.items():
        assert name == "improvement" or set(plot) == {"challenger", "champion"}
    if problem == "binary":
        assert job.curves["roc"]["champion"]["auc"] == pytest.approx(job.evaluation["champion"]["roc_auc"])


def test_without_a_model_in_service_the_new_one_is_drawn_alone(tmp_path, trained):
    job = OptMl(tmp_path)

    assert job.evaluate(TEST, trained["regression", "good"]) == 0

    assert set(job.curves) == {"bands", "residuals"}
    assert set(job.curves["bands"]) == {"challenger"}


@pytest.mark.parametrize("problem", TARGETS)
def test_what_watching_its_quality_takes_is_written_beside_the_evaluation(tmp_path, trained, problem):
    job = OptMl(tmp_path, problem)
    job.spec["pipeline"]["monitoring"] = {"quality": {"segments": ["season", "holiday", "unknown"]}}

    assert job.evaluate(TEST, trained[problem, "good"]) == 0

    performance = Performance.from_dict(job.performance)
    assert performance.level.rows == 300
    for name, measured in performance.level.metrics.items():
        assert measured.value == pytest.approx(job.evaluation["challenger"][name], rel=1e-4)
        assert measured.low < measured.value < measured.high
    assert set(performance.segments["season"].levels) <= {"winter", "spring", "fall", "(missing)"}
    assert set(performance.segments["holiday"].levels) == {"true", "false"}
    assert "unknown" not in performance.segments
    assert performance.reference is not None


def test_the_first_model_has_no_champion_to_beat(tmp_path, trained):
    job = OptMl(tmp_path)
    job.evaluate(TEST, trained["regression", "good"])

    assert (job.evaluation["champion"], job.evaluation["champion_problem"]) == (None, None)


def test_the_metrics_on_training_rows_and_the_gap_show_overfitting(tmp_path, trained):
    job = OptMl(tmp_path)
    job.evaluate(TEST, trained["regression", "good"])

    found = job.evaluation
    assert found["gap"] == pytest.approx(found["challenger"]["rmse"] - found["train"]["rmse"])


def test_a_champion_of_another_problem_cannot_answer_and_that_is_said(tmp_path, trained):
    job = OptMl(tmp_path)
    job.evaluate(TEST, trained["regression", "good"], trained["binary", "good"])

    assert job.evaluation["champion"] is None
    assert "binary" in job.evaluation["champion_problem"]


def test_a_champion_that_needs_a_column_that_is_gone_cannot_answer(tmp_path, trained):
    narrow = OptMl(tmp_path / "narrow")
    narrow.spec["schema"] = narrow.spec["schema"][1:]
    narrow.train(rows(300).drop(columns="temp"), rows(60, 1).drop(columns="temp"))
    job = OptMl(tmp_path / "job")
    job.spec["schema"] = narrow.spec["schema"]

    job.evaluate(TEST.drop(columns="temp"), narrow.model, trained["regression", "good"])

    assert "'temp'" in job.evaluation["champion_problem"]


def test_a_damaged_challenger_fails_with_one_sentence(tmp_path, trained):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in trained["regression", "good"].iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    (damaged / "schema.json").write_text("{}")
    job = OptMl(tmp_path / "job")

    assert job.evaluate(TEST, damaged) == 1
    message = (job.base / "output" / "message").read_text()
    assert "schema.json is not what was written" in message


def test_no_rows_prove_nothing(tmp_path, trained):
    job = OptMl(tmp_path)

    assert job.evaluate(TEST[:0], trained["regression", "good"]) == 1
    assert "no rows" in (job.base / "output" / "message").read_text()


def test_the_interval_of_the_metric_holds_the_metric(tmp_path, trained):
    job = OptMl(tmp_path)
    job.evaluate(TEST, trained["regression", "good"], trained["regression", "poor"])

    found = job.evaluation
    for name in ("challenger", "champion"):
        low, high = found["intervals"][name]
        assert low < found[name]["rmse"] < high
    low, _ = found["intervals"]["improvement"]
    assert low > 0


@pytest.mark.parametrize("problem", TARGETS)
def test_every_metric_of_both_models_comes_with_limits(tmp_path, trained, problem):
    job = OptMl(tmp_path, problem)

    job.evaluate(TEST, trained[problem, "good"], trained[problem, "poor"])

    found = job.evaluation
    for model in ("challenger", "champion"):
        measured = found["measured"][model]
        assert {name: figure["value"] for name, figure in measured.items()} == found[model]
        assert set(measured) == set(METRICS[problem])
        assert all(figure["low"] <= figure["high"] for figure in measured.values())
    improvement = found["measured"]["improvement"][found["metric"]]
    assert [improvement["low"], improvement["high"]] == found["intervals"]["improvement"]
    assert improvement["low"] > 0


@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_labels_are_told_one_by_one(tmp_path, trained, problem):
    job = OptMl(tmp_path, problem)

    job.evaluate(TEST, trained[problem, "good"])

    found = job.evaluation
    true = TEST[job.target].value_counts().to_dict()
    assert {label: entry["support"] for label, entry in found["per_class"].items()} == true
    counts = np.array(found["confusion"]["counts"])
    right = np.trace(counts) / 300
    assert right == pytest.approx(found["challenger"]["accuracy"])
    assert counts.sum(axis=1).tolist() == [true[label] for label in found["confusion"]["labels"]]


def test_a_threshold_is_chosen_in_training_and_scored_on_the_test_part(tmp_path):
    asked = {"by": "cost", "false_positive_cost": 1, "false_negative_cost": 9}
    job, plain = OptMl(tmp_path / "job", "binary"), OptMl(tmp_path / "plain", "binary")
    job.spec["pipeline"]["evaluation"] = {"threshold": asked}
    assert job.train() == plain.train() == 0

    assert job.evaluate(TEST, job.model, plain.model) == 0

    found = job.evaluation
    record = found["threshold"]
    assert (record["by"], record["chosen_on"]["rows"]) == ("cost", 150)
    assert record["low"] <= record["value"] <= record["high"]
    assert record["value"] < 0.5
    assert record["metrics"]["recall"] == found["challenger"]["recall"] >= record["metrics_at_half"]["recall"]
    assert record["metrics_at_half"]["recall"] == pytest.approx(found["champion"]["recall"])
    assert record["objective"] <= record["objective_at_half"]
    assert found["challenger"]["roc_auc"] == found["champion"]["roc_auc"]
    true, answered = (TEST["busy"] == "yes"), np.array(found["confusion"]["counts"])
    assert answered[1, 1] / true.sum() == pytest.approx(record["metrics"]["recall"])


def test_without_one_there_is_no_threshold(tmp_path, trained):
    job = OptMl(tmp_path, "binary")

    job.evaluate(TEST, trained["binary", "good"])

    assert job.evaluation["threshold"] is None


def test_the_old_holdout_and_recent_rows_are_measured_apart(tmp_path, trained):
    job, alone = OptMl(tmp_path / "job"), OptMl(tmp_path / "alone")
    both = trained["regression", "good"], trained["regression", "poor"]

    job.evaluate(TEST, *both, recency=np.repeat([HELD_OUT, RECENT, LEARNED], [120, 100, 80]))
    alone.evaluate(TEST[120:220], *both)

    found = job.evaluation
    assert found["recent"] == {name: alone.evaluation[name] for name in found["recent"]}
    assert found["recent"].keys() == {"rows", "challenger", "champion", "intervals", "measured"}
    assert (found["rows"], found["holdout"]["rows"], found["learned_rows"]) == (220, 120, 80)


def test_rows_that_the_model_in_service_has_learned_from_prove_nothing(tmp_path, trained):
    job = OptMl(tmp_path)
    marks = np.full(300, LEARNED)

    assert (
        job.evaluate(TEST, trained["regression", "good"], trained["regression", "poor"], recency=marks) == 0
    )
    assert not decide(job.evaluation, GateRule("rmse"), has_champion=True).promote


def test_marks_of_other_rows_are_refused(tmp_path, trained):
    job = OptMl(tmp_path)

    job.evaluate(TEST, trained["regression", "good"], trained["regression", "poor"], recency=np.zeros(7))

    message = (job.base / "output" / "message").read_text()
    assert "300 rows, and 7 marks" in message


def test_a_model_is_judged_by_the_engine_that_will_serve_it(tmp_path, trained):
    job = OptMl(tmp_path, "binary")

    assert job.evaluate(TEST, trained["binary", "good"]) == 0

    engine = job.evaluation["engine"]
    assert engine["name"] == "onnx"
    assert engine["parity"]["test"] == {"rows": 300, "refused": 0, "other_labels": 0, "difference": 0.0}
    assert engine["parity"]["hostile"]["rows"] > 200


def test_a_graph_that_answers_test_rows_otherwise_does_not_serve(tmp_path, trained):
    model = tmp_path / "model"
    shutil.copytree(trained["binary", "good"], model)
    shutil.copy(trained["binary", "poor"] / ONNX_FILE, model / ONNX_FILE)
    write_manifest(model, read_json(model / MANIFEST))
    job = OptMl(tmp_path, "binary")

    assert job.evaluate(TEST, model, trained["binary", "good"]) == 0

    found = job.evaluation
    assert found["engine"]["name"] == "skops"
    assert found["engine"]["why"].startswith("its graph answers 300 test rows otherwise, ")
    assert found["challenger"] == pytest.approx(found["champion"])


def test_a_model_of_a_time_before_graphs_is_judged_too(tmp_path, trained):
    model = tmp_path / "model"
    shutil.copytree(trained["binary", "good"], model)
    (model / ONNX_FILE).unlink()
    facts = read_json(model / MANIFEST)
    del facts["engine"]
    write_manifest(model, facts)
    job = OptMl(tmp_path, "binary")

    assert job.evaluate(TEST, model) == 0

    assert job.evaluation["engine"]["name"] == "skops"


def grouped(folder, problem, columns, **fairness):
    """Return a job whose rows have a column that no model sees, and which compares groups by `columns`."""
    job = OptMl(folder, problem)
    job.spec["pipeline"] |= {"ignore": ["sex"], "evaluation": {"fairness": {"columns": columns, **fairness}}}
    job.spec["contract"] = {"columns": [ColumnSchema("sex", "category", role="ignored").as_dict()]}
    return job


def with_sex(frame):
    return frame.assign(sex=np.resize(["F", "M", "F", "M", None], len(frame)))


@pytest.mark.parametrize("problem", TARGETS)
def test_groups_are_compared_by_features_and_by_columns_that_no_model_sees(tmp_path, trained, problem):
    job = grouped(tmp_path, problem, ["sex", "season", "holiday", "temp"], edges={"temp": [5, 15]})

    assert job.evaluate(with_sex(TEST), trained[problem, "good"]) == 0

    found = job.evaluation["fairness"]
    rows = {name: group["rows"] for name, group in found["sex"]["groups"].items()}
    assert rows == {"F": 120, "M": 120, "(missing)": 60}
    assert {"< 5", "5 to 15", ">= 15"} <= set(found["temp"]["groups"])
    assert set(found["holiday"]["groups"]) == {"true", "false"}
    assert all(gap["value"] is not None for gap in found["sex"]["gaps"].values() if problem != "binary")
    if problem != "regression":
        accuracy = sum(rows[name] * found["sex"]["groups"][name]["accuracy"] for name in rows) / 300
        assert accuracy == pytest.approx(job.evaluation["challenger"]["accuracy"])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["temp"], "'temp' is a number: name the ends of its ranges in evaluation.fairness.edges"),
        (["at"], "'at' is a datetime, which makes no groups"),
        (["shoe_size"], "names the column 'shoe_size', which the rows do not have"),
    ],
)
def test_columns_that_make_no_groups_are_told_before_anything_is_learned(tmp_path, trained, columns, said):
    training, evaluation = (grouped(tmp_path / name, "binary", columns) for name in ("train", "evaluate"))

    assert training.train() == 1
    assert said in training.failure
    assert not list(training.model.glob("*"))
    assert evaluation.evaluate(with_sex(TEST), trained["binary", "good"]) == 1
    assert said in (evaluation.base / "output" / "message").read_text()


def test_a_test_part_without_the_column_is_told(tmp_path, trained):
    job = grouped(tmp_path, "binary", ["sex"])

    assert job.evaluate(TEST, trained["binary", "good"]) == 1
    assert "the test part has no column 'sex'" in (job.base / "output" / "message").read_text()
