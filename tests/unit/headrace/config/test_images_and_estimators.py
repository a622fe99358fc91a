"""Which names `image` and `training.estimator` take."""

import pytest
from pydantic import ValidationError

from headrace.config.images import ecr_image
from headrace.config.pipeline import Pipeline

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "0a" * 32


def pipeline(**fields):
    return Pipeline.model_validate({"name": "bike", "problem": "binary", "target": "cnt", **fields})


@pytest.mark.parametrize(
    "image", ["headrace", "managed", f"{REGISTRY}/rides:7", f"{REGISTRY}/team/rides@{DIGEST}"]
)
def test_an_image_is_ours_or_awss_or_ones_own(image):
    assert pipeline(image=image).image == image


def test_an_image_in_china_is_found_where_it_lies():
    found = ecr_image("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/rides:1")

    assert found is not None
    assert (found.account, found.region, found.repository) == ("123456789012", "cn-north-1", "rides")


@pytest.mark.parametrize(
    "image",
    [
        "own",
        "rides:7",
        "docker.io/team/rides:7",
        f"{REGISTRY}/rides",  # neither tag nor digest
        f"{REGISTRY}/rides@sha256:12",
        f"{REGISTRY}/Rides:7",
        f"https://{REGISTRY}/rides:7",
    ],
)
def test_another_image_is_refused_with_an_example(image):
    with pytest.raises(
        ValidationError, match="is no image: it is headrace, managed, or the URI of one of your own"
    ):
        pipeline(image=image)


@pytest.mark.parametrize("estimator", ["xgboost", "own.nearest", "own.my_forest_2"])
def test_an_estimator_is_built_in_or_ones_own(estimator):
    assert pipeline(training={"estimator": estimator}).training.estimator == estimator


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        ("xgbost", r"did you mean xgboost\?"),
        ("nearest", "or own.<file> of pipelines/estimators/<file>.py"),
        ("own.", "is no estimator"),
        ("own.Nearest", "is no estimator"),
        ("own.a.b", "is no estimator"),
        ("own.../secrets", "is no estimator"),
    ],
)
def test_a_name_that_is_no_estimator_is_told_which_there_are(estimator, told):
    with pytest.raises(ValidationError, match=told):
        pipeline(training={"estimator": estimator})


def test_awss_image_is_refused_where_it_lacks_the_framework():
    with pytest.raises(
        ValidationError, match="image: is managed, and AWS's scikit-learn image has no xgboost"
    ):
        pipeline(image="managed", training={"estimator": "xgboost"})


def test_hyperparameters_of_ones_own_estimator_are_its_class_to_judge():
    training = {"estimator": "own.nearest", "hyperparameters": {"neighbours": 3}}

    assert pipeline(training=training).training.hyperparameters == {"neighbours": 3}


def test_a_hyperparameter_that_xgboost_does_not_have_is_refused():
    with pytest.raises(
        ValidationError, match="xgboost of a binary problem has no such hyperparameter; it has: colsample"
    ):
        pipeline(training={"estimator": "xgboost", "hyperparameters": {"max_iter": 3}})
