"""Newer rows weigh more in every estimator, and metrics count every row once."""

import numpy as np
import pytest

from headrace.ml.data_window import AGE, Window, WindowRule
from headrace.ml.metrics import measure
from sagemaker_jobs.model_files import load_model
from sagemaker_jobs.parts import answer_part, read_part
from sagemaker_jobs.spec import read_spec
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

HALF_LIFE = 50
ESTIMATORS = {
    "hist_gradient_boosting": {"max_iter": 30},
    "random_forest": {"n_estimators": 20},
    "linear": {},
    "sgd": {},
}


def turned(n, seed=0, aged=True):
    """Rows of which the older half say the opposite of the newer half."""
    frame = rows(n, seed)
    frame["rides"] = np.where(np.arange(n) < n / 2, -1, 1) * frame["rides"]
    frame["busy"] = np.where(frame["rides"] > 0, "yes", "no")
    return frame.assign(**{AGE: np.arange(n)[::-1]}) if aged else frame


def weighted(job):
    rule = WindowRule("weighted", "rows", HALF_LIFE, 10)
    job.spec["window"] = Window(rule, True, 800, 140.0, "weighted").as_dict()
    return job


@pytest.mark.parametrize(
    ("problem", "estimator"),
    [*(("regression", name) for name in ESTIMATORS), ("binary", "hist_gradient_boosting"), ("binary", "sgd")],
)
def test_what_newer_rows_say_is_learned(tmp_path, problem, estimator):
    given = {"hyperparameters": ESTIMATORS[estimator]}
    plain = OptMl(tmp_path / "plain", problem, estimator, **given)
    newer = weighted(OptMl(tmp_path / "newer", problem, estimator, **given))
    today = turned(800, 3, aged=False)[400:]
    assert (plain.train(turned(800), turned(300, 1)), newer.train(turned(800), turned(300, 1))) == (0, 0)

    for made in (plain, newer):
        made._write(today, tmp_path / "today")
    score = "r2" if problem == "regression" else "accuracy"
    then, now = (score_on(made, tmp_path / "today")[score] for made in (plain, newer))
    assert now > 0.6
    assert now > then + 0.2


def score_on(job, folder):
    model = load_model(job.model)
    spec = read_spec(job.base / "input" / "data" / "spec")
    return measure(model.problem, answer_part(model, read_part(folder, spec, model.schema)))


def test_metrics_count_every_row_once(tmp_path):
    job = weighted(OptMl(tmp_path, estimator="linear"))
    job.train(turned(800), turned(300, 1))

    validation = score_on(job, tmp_path / "input" / "data" / "validation")
    assert job.document("metrics.json")["validation"]["rmse"] == pytest.approx(validation["rmse"])


def test_the_baseline_of_drift_is_like_the_rows_that_counted(tmp_path):
    job = weighted(OptMl(tmp_path, estimator="linear"))
    job.train(turned(800), turned(300, 1))

    # The sum of 2^(-age / 50) is 72: the newest rows, and few of the older half.
    assert 50 < job.document("baseline.json")["rows"] < 100


def test_the_model_says_how_its_rows_were_weighted_and_never_asks_for_their_age(tmp_path):
    job = weighted(OptMl(tmp_path, estimator="linear"))
    job.train(turned(800), turned(300, 1))

    assert job.document("manifest.json")["window"]["rule"]["reach"] == HALF_LIFE
    assert AGE not in job.document("sample.json")["row"]
    assert AGE not in str(job.document("schema.json"))


def test_varied_copies_weigh_as_their_rows(tmp_path):
    words = {"features": {"augment": {"copies": 2, "word_dropout": 0.1}}, "columns": {"season": "text"}}
    job = weighted(OptMl(tmp_path, estimator="linear"))
    job.spec["pipeline"] |= words
    job.spec["schema"][1]["kind"] = "text"

    assert job.train(turned(800), turned(300, 1)) == 0
