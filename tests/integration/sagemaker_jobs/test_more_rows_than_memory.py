import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

REPO = Path(__file__).parents[3]
MANY = 450_000
NUMBERS = [f"x{place}" for place in range(12)]
WEIGHTS = np.random.default_rng(7).normal(size=len(NUMBERS))
LIMITED = """
import os, resource, sys
from sagemaker_jobs.entry import run
import sagemaker_jobs.train_model.main
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(run(["train"], os.environ))
"""


def write(folder, n, files, seed):
    """Write rows whose label follows from the numbers and the season, some cells missing."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(files):
        count = n // files
        x = rng.normal(size=(count, len(NUMBERS)))
        season = rng.choice(["fall", "spring", "winter"], count)
        logit = x @ WEIGHTS + 2 * (season == "spring") + rng.logistic(size=count)
        x[rng.random(x.shape) < 0.01] = np.nan
        columns = {name: x[:, place] for place, name in enumerate(NUMBERS)}
        table = pa.table({**columns, "season": season, "busy": np.where(logit > 0, "yes", "no")})
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=2**17)


def job(base, estimator, **training):
    made = OptMl(base, "binary", estimator, **training)
    made.spec["schema"] = [{"name": name, "kind": "number"} for name in NUMBERS]
    made.spec["schema"].append({"name": "season", "kind": "category"})
    made._write_spec(base / "input" / "data" / "spec")
    return made


def train(made, channels, limit_mb):
    """Train in a process that may take `limit_mb` more than it has when the libraries are loaded."""
    (made.base / "input" / "data" / "train").symlink_to(channels / "train")
    (made.base / "input" / "data" / "validation").symlink_to(channels / "validation")
    environment = {**os.environ, **made.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit_mb)],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Nearly half a gigabyte in the memory of an estimator that wants all rows at once."""
    channels = tmp_path_factory.mktemp("many")
    write(channels / "train", MANY, 4, seed=0)
    write(channels / "validation", 20_000, 1, seed=1)
    return channels


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    channels = tmp_path_factory.mktemp("few")
    write(channels / "train", 60_000, 2, seed=0)
    write(channels / "validation", 20_000, 1, seed=1)
    return channels


def test_rows_that_do_not_fit_memory_are_learned_piece_by_piece_as_well_as_at_once(tmp_path, many, few):
    streamed = job(tmp_path / "streamed", "sgd", hyperparameters={"max_iter": 3})
    at_once = job(tmp_path / "at_once", "linear")

    assert (done := train(streamed, many, 350)).returncode == 0, done.stderr
    assert (done := train(at_once, few, 2000)).returncode == 0, done.stderr

    piecewise, whole = (made.document("metrics.json")["validation"] for made in (streamed, at_once))
    assert streamed.document("metrics.json")["rows"]["train"] == MANY
    assert piecewise["roc_auc"] == pytest.approx(whole["roc_auc"], abs=0.002)
    assert piecewise["log_loss"] == pytest.approx(whole["log_loss"], abs=0.01)


def test_an_estimator_that_wants_all_rows_at_once_says_what_to_do(tmp_path, many):
    made = job(tmp_path, "linear")

    assert train(made, many, 350).returncode == 1
    assert made.failure.startswith(f"{MANY} training rows take about")
    assert "training.estimator: sgd" in made.failure


@pytest.mark.parametrize("problem", ["regression", "multiclass"])
def test_every_problem_is_learned_piece_by_piece(tmp_path, problem):
    made = OptMl(tmp_path, problem, "sgd")

    assert made.train() == 0
    metrics = made.document("metrics.json")["validation"]
    assert metrics["r2" if problem == "regression" else "accuracy"] > 0.7


def test_the_same_rows_and_seed_give_the_same_bytes(tmp_path):
    one, other = (OptMl(tmp_path / name, "binary", "sgd") for name in ("one", "other"))

    assert (one.train(), other.train()) == (0, 0)
    assert one.files() == other.files()


@pytest.mark.parametrize("column", ["temp", "season", "holiday", "at"])
def test_a_column_without_any_value_is_no_obstacle(tmp_path, column):
    train = rows(300)
    train[column] = train[column].mask(train[column].notna())

    assert OptMl(tmp_path, estimator="sgd").train(train, rows(60, 1)) == 0


def test_a_category_of_one_row_is_told_apart_as_well(tmp_path):
    train = rows(2000)
    train.loc[1999, "season"] = "monsoon"
    made = OptMl(tmp_path, estimator="sgd")

    assert made.train(train) == 0
    with zipfile.ZipFile(made.model / "model.skops") as archive:
        assert "monsoon" in archive.read("schema.json").decode()


def test_a_loss_without_probabilities_is_refused(tmp_path):
    made = OptMl(tmp_path, "binary", "sgd", hyperparameters={"loss": "hinge"})

    assert made.train() == 1
    assert "log_loss or modified_huber, not hinge" in made.failure
