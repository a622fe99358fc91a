import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline
from headrace.config.prices import usd_per_hour


def pipeline(training=None, **retraining):
    fields = {"name": "bike", "problem": "regression", "target": "cnt", "retraining": retraining}
    return Pipeline.model_validate({**fields, "training": training or {}})


def complaint(training=None, **retraining):
    with pytest.raises(ValidationError) as error:
        pipeline(training, **retraining)
    return str(error.value)


def test_without_a_word_it_retrains_on_drift_and_on_measured_quality_and_gives_up_after_three():
    retraining = pipeline().retraining

    assert (retraining.on, retraining.new_rows, retraining.max_usd_per_month) == (
        ("drift", "quality"),
        None,
        None,
    )
    assert (retraining.max_per_week, retraining.give_up_after) == (20, 3)


def test_a_cap_on_an_instance_of_unknown_price_asks_for_the_price():
    exotic = {"instance": "ml.trn1.2xlarge"}

    assert (
        "retraining.max_usd_per_month: is a cap, but what an hour of ml.trn1.2xlarge costs is not known: "
        "name it in training.usd_per_hour"
    ) in complaint(exotic, max_usd_per_month=5)
    assert pipeline(exotic).training.hourly_usd is None
    assert pipeline({**exotic, "usd_per_hour": 1.5}, max_usd_per_month=5).training.hourly_usd == 1.5


def test_the_price_in_the_file_wins_over_the_list_price():
    assert pipeline().training.hourly_usd == pytest.approx(0.115, abs=5e-4)
    assert pipeline({"usd_per_hour": 0.07}).training.hourly_usd == 0.07


@pytest.mark.parametrize(
    ("instance", "usd"),
    [
        ("ml.m5.4xlarge", 0.922),
        ("ml.m5.24xlarge", 5.53),
        ("ml.c5.18xlarge", 3.672),
        ("ml.r5.8xlarge", 2.419),
        ("ml.t3.medium", 0.05),
        ("ml.g4dn.12xlarge", 4.89),
        ("ml.p3.2xlarge", 3.825),
    ],
)
def test_list_prices_are_those_of_the_table_that_was_looked_up(instance, usd):
    assert usd_per_hour(instance) == pytest.approx(usd, rel=0.002)


def test_rows_that_are_a_reason_are_not_fewer_than_a_training_needs():
    assert "retraining.new_rows: is less than retraining.min_new_rows (200)" in complaint(new_rows=199)


def test_rows_need_not_be_counted_where_every_acceptance_trains():
    assert "retraining.new_rows: is needless" in complaint(on=["new_data"], new_rows=500)


@pytest.mark.parametrize(
    "fields",
    [
        {"on": ["estimated_quality"]},
        {"new_rows": 0},
        {"max_per_week": 0},
        {"max_usd_per_month": 0},
        {"give_up_after": 0},
    ],
)
def test_values_that_mean_nothing_are_refused(fields):
    assert complaint(**fields)
