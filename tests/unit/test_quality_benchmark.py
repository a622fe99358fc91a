"""The data sets of the quality benchmark: each has its rows and a pipeline file that is in order."""

import io

import pandas as pd
import pytest

from benchmarks.measure_quality import measured
from benchmarks.quality.data_sets import DATA_SETS
from headrace.config.loading import load_pipeline

_ROWS = {
    "adult": 48842,
    "german": 1000,
    "sms": 5574,
    "digits": 1797,
    "abalone": 4177,
    "bikes": 17379,
    "covertype": 100000,
}


@pytest.mark.parametrize("data_set", DATA_SETS, ids=lambda each: each.pipeline)
def test_a_data_set_has_all_its_rows_and_the_columns_that_its_pipeline_file_names(data_set):
    pipeline, file = load_pipeline(data_set.path), data_set.read()
    header = pd.read_csv(io.BytesIO(file), nrows=1).columns

    assert len(file.splitlines()) - 1 == _ROWS[data_set.pipeline]
    assert {pipeline.target, *pipeline.ignore, *pipeline.columns} <= set(header)


def test_a_figure_is_the_mean_over_the_folds_where_there_are_folds_and_that_of_the_test_part_otherwise():
    on_test = {"challenger": {"rmse": 3.0}, "cross_validation": None}

    assert measured(on_test, "rmse") == 3.0
    assert measured({**on_test, "cross_validation": {"rmse": {"mean": 2.5}}}, "rmse") == 2.5


def test_an_error_holds_below_its_bar_and_a_score_above():
    sets = {each.pipeline: each for each in DATA_SETS}

    assert sets["abalone"].holds(2.1)
    assert not sets["abalone"].holds(2.3)
    assert sets["adult"].holds(0.93)
    assert not sets["adult"].holds(float("nan"))
