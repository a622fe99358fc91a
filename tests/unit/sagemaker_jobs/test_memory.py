import numpy as np
import pandas as pd
import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.machine import available_bytes
from sagemaker_jobs.memory import check_memory, needed_bytes
from sagemaker_jobs.parts import PartFiles
from sagemaker_jobs.spec import Spec

MB = 2**20


@pytest.fixture
def files(tmp_path):
    """Return how to lay out training rows: two numbers, and perhaps a text."""

    def files(rows, text=""):
        schema = (ColumnSchema("x", "number"), ColumnSchema("z", "number"))
        frame = pd.DataFrame({"x": np.arange(rows), "z": np.arange(rows), "y": np.arange(rows)})
        if text:
            schema += (ColumnSchema("message", "text"),)
            frame["message"] = [f"{text}{row}" for row in range(rows)]
        frame.to_parquet(tmp_path / "part.parquet")
        return PartFiles.of(tmp_path, Spec(pipeline(), schema, "", ""), schema)

    return files


def pipeline(estimator="linear", **fields):
    training = {"estimator": estimator, "hyperparameters": fields.pop("hyperparameters", {})}
    return Pipeline.model_validate(
        {"name": "bike", "problem": "regression", "target": "y", "training": training, **fields}
    )


def test_rows_that_do_not_fit_are_told_with_the_remedy(files):
    with pytest.raises(JobError) as failure:
        check_memory(files(1000), pipeline(), available=MB)

    told = str(failure.value)
    assert told.startswith(
        "1000 training rows take about 0.3 GB as linear learns from them, and there are 0.0 GB"
    )
    assert "a larger training.instance than ml.m5.large, or training.estimator: sgd" in told


def test_rows_that_fit_are_taken(files):
    check_memory(files(1000), pipeline(), available=400 * MB)


def test_every_cell_counts(files):
    few, many = (needed_bytes(files(rows), pipeline()) for rows in (1000, 11_000))

    assert many - few == 10_000 * 2 * 72


def test_a_forest_grows_with_rows_and_trees(files):
    rows = files(10_000)
    small, large = (
        needed_bytes(rows, pipeline("random_forest", hyperparameters={"n_estimators": trees}))
        for trees in (10, 110)
    )

    assert large - small == 100 * 10_000 * 75


def test_texts_count_in_full(files):
    short, long = (needed_bytes(files(2000, text), pipeline()) for text in ("a", "a" * 1001))

    assert long - short == pytest.approx(2_000_000, rel=0.05)


def test_varied_copies_count(files):
    rows = files(10_000)
    plain, varied = pipeline(), pipeline(features={"augment": {"copies": 2, "flip": True}})

    assert needed_bytes(rows, varied) - needed_bytes(rows, plain) == 2 * 10_000 * 2 * 72


def test_there_is_some_memory():
    assert available_bytes() > 100 * MB
