import pytest
from pydantic import ValidationError
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from headrace.config.hyperparameters import known_hyperparameters
from headrace.config.limits import METRICS
from headrace.config.pipeline import Pipeline

FIVE_LINES = {"name": "bike", "problem": "regression", "target": "cnt", "id": "instant", "time": "dteday"}
ESTIMATORS = {
    ("hist_gradient_boosting", "regression"): HistGradientBoostingRegressor,
    ("hist_gradient_boosting", "binary"): HistGradientBoostingClassifier,
    ("random_forest", "regression"): RandomForestRegressor,
    ("random_forest", "multiclass"): RandomForestClassifier,
    ("linear", "regression"): Ridge,
    ("linear", "binary"): LogisticRegression,
}


def pipeline(**fields):
    return Pipeline.model_validate({**FIVE_LINES, **fields})


def complaint(**fields):
    with pytest.raises(ValidationError) as refused:
        pipeline(**fields)
    return str(refused.value)


def test_five_lines_suffice():
    five = pipeline()

    assert (five.metric, five.endpoint.kind, five.approval) == ("rmse", "serverless", "automatic")
    assert (five.monitoring.schedule, five.retraining.on, five.image) == (
        "rate(1 hour)",
        ("drift", "quality"),
        "headrace",
    )


def test_a_pipeline_travels_as_json():
    sent = pipeline(columns={"season": "category"}, training={"hyperparameters": {"max_iter": 50}})

    assert Pipeline.model_validate_json(sent.model_dump_json()) == sent


def test_a_pipeline_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        pipeline().target = "casual"


@pytest.mark.parametrize(
    ("problem", "metric"), [("regression", "rmse"), ("binary", "roc_auc"), ("multiclass", "f1_macro")]
)
def test_every_problem_has_a_metric_of_its_own(problem, metric):
    assert pipeline(problem=problem).metric == metric


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"target": "instant"}, "target: 'instant' cannot also be the id"),
        ({"target": "dteday"}, "target: 'dteday' cannot also be the time column"),
        ({"ignore": ["cnt"]}, "ignore: the target 'cnt' cannot be ignored"),
        ({"columns": {"cnt": "number"}}, "columns: 'cnt' is the target"),
        ({"time": "instant"}, "time: 'instant' cannot also be the id"),
        ({"ignore": ["instant"]}, "ignore: 'instant' is the id, which no model sees in any case"),
        ({"ignore": ["dteday"]}, "ignore: 'dteday' is the time column, which no model sees in any case"),
        ({"columns": {"instant": "number"}}, "columns: 'instant' is the id, and `columns` is for features"),
        ({"columns": {"dteday": "category"}}, "columns: 'dteday' is the time column: a datetime or a number"),
        ({"time": None, "split": {"by": "time"}}, "split.by: is time, but no `time` column is named"),
        ({"split": {"by": "group"}}, "split.by: is group, but no `split.group` is named"),
        ({"split": {"group": "station"}}, "split.group: is named, but `split.by` is not group"),
        ({"split": {"by": "group", "group": "cnt"}}, "split.group: the target 'cnt' cannot be the group"),
        ({"split": {"test_share": 0.5, "validation_share": 0.3}}, "less than a third of the rows"),
        (
            {"training": {"hyperparameters": {"depth": 3}}},
            "training.hyperparameters.depth: hist_gradient_boosting",
        ),
        (
            {"evaluation": {"metric": "roc_auc"}},
            "'roc_auc' does not fit regression; it is one of rmse, mae, r2",
        ),
        ({"evaluation": {"min_value": 3}}, "evaluation.min_value: rmse is better when lower: use max_value"),
        (
            {"problem": "binary", "evaluation": {"max_value": 1}},
            "roc_auc is better when higher: use min_value",
        ),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(fields, words):
    assert words in complaint(**fields)


def test_all_that_is_wrong_is_told_at_once():
    told = complaint(ignore=["cnt"], evaluation={"metric": "auc"})

    assert "ignore:" in told
    assert "evaluation.metric:" in told


@pytest.mark.parametrize("name", ["B", "bike_sharing", "1bike", "bike-", "x" * 25, "a", ""])
def test_a_name_that_a_stack_could_not_have_is_refused(name):
    assert "name" in complaint(name=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": {"memory_mb": 1000}},
        {"endpoint": {"max_concurrency": 201}},
        {"endpoint": {"instance": "m5.large"}},
        {"split": {"test_share": 0}},
        {"training": {"volume_gb": 0}},
        {"monitoring": {"min_rows": 5}},
        {"notify": "nobody"},
        {"surprise": 1},
        {"endpoint": {"memory": 2048}},
    ],
)
def test_values_that_aws_or_we_would_refuse_are_refused(fields):
    assert complaint(**fields)


@pytest.mark.parametrize("instance", ["ml.c7g.large", "ml.m6gd.xlarge", "ml.c6gn.large", "ml.g5g.xlarge"])
@pytest.mark.parametrize("block", ["training", "endpoint"])
def test_an_instance_that_cannot_run_our_containers_is_refused(block, instance):
    assert f"{instance} has an ARM processor" in complaint(**{block: {"instance": instance}})


@pytest.mark.parametrize("instance", ["ml.g5.xlarge", "ml.g4dn.xlarge", "ml.c7i.large", "ml.t2.medium"])
def test_other_instances_are_taken(instance):
    assert pipeline(training={"instance": instance, "estimator": "torch"}).training.instance == instance


@pytest.mark.parametrize(("estimator", "problem"), ESTIMATORS)
def test_hyperparameters_are_those_of_scikit_learn(estimator, problem):
    known = known_hyperparameters(estimator, problem)

    assert known <= ESTIMATORS[estimator, problem]().get_params().keys()
    assert not known & {"random_state", "verbose", "n_jobs", "warm_start", "categorical_features"}


@pytest.mark.parametrize("problem", METRICS)
def test_every_metric_of_a_problem_may_decide(problem):
    for metric in METRICS[problem]:
        assert pipeline(problem=problem, evaluation={"metric": metric}).metric == metric
