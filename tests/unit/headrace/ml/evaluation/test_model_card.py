import json

import pytest

from headrace.ml.evaluation.model_card import MOST_CHARACTERS, card_text, model_card
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.model_card import check_model_card
from tests.unit.headrace.ml.evaluation.evaluations import (
    binary,
    evidence,
    multiclass,
    regression,
    report_of,
)

ABOUT = {
    "purpose": "Bikes are where they are needed.",
    "owner": "mobility@example.org",
    "risk": "low",
    "risk_reason": "A wrong answer costs a walk.",
    "intended_uses": "Planning of the next day.",
    "out_of_scope": "Billing.",
    "factors": "Days like no day before.",
    "ethics": "None are known.",
    "caveats": "Trained on one city.",
}
PLACES = {
    "model_data_url": "s3://artifacts/training/job/output/model.tar.gz",
    "image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/headrace:1",
    "training_job": "headrace-bike-0",
    "page_uri": "s3://artifacts/evaluations/run/report.html",
}


def card_of(report):
    """Return the card, which must be what AWS takes."""
    card = model_card({**report, **PLACES})
    check_model_card({"ModelCard": {"ModelCardContent": card_text(card)}})
    return card


def metrics_of(card, group, evaluation=0):
    groups = {
        each["name"]: each["metric_data"] for each in card["evaluation_details"][evaluation]["metric_groups"]
    }
    return {each["name"]: each for each in groups[group]}


@pytest.mark.parametrize(
    "report",
    [
        report_of("binary", binary(400), binary(400, seed=2), **evidence()),
        report_of("multiclass", multiclass(400, 40), promote=False),
        report_of("regression", regression(400)),
        {"pipeline": "bike", "run": "r1", "promote": False, "why": "refused: no rows"},
    ],
    ids=["binary", "many labels", "regression", "nothing"],
)
def test_the_card_fits_the_shapes_of_awss_own_library(report):
    shapes = pytest.importorskip("sagemaker.core.shapes.model_card_shapes")
    card = card_of(report)

    read = shapes.ModelCardContent.model_validate(
        # That library has the objective flat; in AWS's documentation a function is in a function.
        {**card, "training_details": {**card.get("training_details", {}), "objective_function": None}}
    )

    # What it does not know would be lost on the way.
    known = json.loads(read.model_dump_json(exclude_none=True))
    card.get("training_details", {}).pop("objective_function", None)
    assert {name: part for name, part in known.items() if part} == {
        name: part for name, part in card.items() if part
    }


def test_it_says_what_people_have_written_in_the_pipeline_file():
    card = card_of({**report_of("regression", regression(200)), "about": ABOUT})

    assert card["model_overview"]["model_creator"] == "mobility@example.org"
    assert card["intended_uses"] == {
        "purpose_of_model": "Bikes are where they are needed.",
        "intended_uses": "Planning of the next day.\n\nNot intended: Billing.",
        "factors_affecting_model_efficiency": "Days like no day before.",
        "risk_rating": "Low",
        "explanations_for_risk_rating": "A wrong answer costs a walk.",
    }
    assert card["additional_information"]["ethical_considerations"] == "None are known."
    assert card["additional_information"]["caveats_and_recommendations"] == "Trained on one city."


def test_without_a_word_of_people_the_risk_is_unknown():
    assert card_of(report_of("regression", regression(200)))["intended_uses"] == {"risk_rating": "Unknown"}


def test_metrics_are_numbers_with_their_intervals_as_notes():
    report = report_of("regression", regression(200), regression(200, seed=2))

    card = card_of(report)

    rmse = report["evaluation"]["challenger"]["rmse"]
    assert metrics_of(card, "New model")["rmse"] == {
        "name": "rmse",
        "type": "number",
        "value": rmse,
        "notes": f"95 % interval: {rmse * 0.97:.6g} to {rmse * 1.03:.6g}",
    }
    assert "rmse" in metrics_of(card, "Model in service")


def test_a_confusion_is_a_matrix_and_the_roc_curve_a_line():
    report = report_of("binary", binary(3000))

    card = card_of(report)

    confusion = metrics_of(card, "Confusion")["confusion"]
    assert confusion["value"] == report["curves"]["confusion"]["challenger"]["counts"]
    assert confusion["x_axis_name"] == ["no", "yes"]
    roc = metrics_of(card, "Curves")["ROC"]
    assert (roc["type"], roc["value"][0], roc["value"][-1]) == ("linear_graph", [0.0, 0.0], [1.0, 1.0])


def test_labels_importances_folds_and_groups_are_told():
    card = card_of(report_of("binary", binary(400), **evidence()))

    assert metrics_of(card, "Label by label")["recall"]["value"] == [0.8, 0.6]
    assert metrics_of(card, "Importance")["permutation importance"]["x_axis_name"][0] == "temperature"
    assert [each["name"] for each in card["evaluation_details"]] == [
        "Rows that no model has learned from",
        "Cross-validation",
        "Groups by sex",
    ]
    assert metrics_of(card, "Gaps", evaluation=2)["equalised_odds"]["value"] == 0.04


def test_how_it_was_trained_is_told():
    training = card_of(report_of("regression", regression(200)))["training_details"]

    assert training["objective_function"]["function"] == {"function": "Minimize", "facet": "rmse"}
    settings = training["training_job_details"]["user_provided_hyper_parameters"]
    assert settings == [{"name": "max_iter", "value": "200"}, {"name": "learning_rate", "value": "0.1"}]
    assert training["training_job_details"]["training_environment"] == {
        "container_image": [PLACES["image_uri"]]
    }


def test_old_and_recent_rows_are_evaluations_of_their_own():
    report = report_of("regression", regression(300), regression(300, seed=2))
    part = {key: report["evaluation"][key] for key in ("challenger", "champion", "intervals")}
    report["evaluation"] |= {"holdout": {**part, "rows": 200}, "recent": {**part, "rows": 100}}

    card = card_of(report)

    assert [each["metadata"]["rows"] for each in card["evaluation_details"]] == ["300", "200", "100"]


def test_the_longest_words_and_lists_fit_into_the_card():
    long = "ü" * 5000
    entries = {f"{index} {long}": {"recall": 0.5, "precision": 0.5} for index in range(500)}
    more = {
        **evidence(long),
        "per_class": entries,
        "fairness": {f"{index} {long}": {"groups": entries, "gaps": {}} for index in range(50)},
        "importance": [{"feature": f"{index} {long}", "mean": 0.1} for index in range(500)],
    }
    report = report_of("multiclass", multiclass(500, 60), multiclass(500, 60, seed=2), **more)
    report["trained"]["hyperparameters"] = {f"{index} {long}": long for index in range(500)}
    report["about"] = {**dict.fromkeys(ABOUT, long[:1000]), "risk": "high"}
    report["why"] = long

    text = card_text(card_of(report))

    assert len(text) <= MOST_CHARACTERS
    assert "\n" not in text
    assert "New model" in text


def test_a_hyperparameter_without_a_value_is_named_and_a_metric_without_one_is_not():
    report = report_of("regression", regression(50), measured={"challenger": {"r2": {"value": float("nan")}}})
    report["trained"]["hyperparameters"] = {"max_depth": None, "note": ""}

    card = card_of(report)

    settings = card["training_details"]["training_job_details"]["user_provided_hyper_parameters"]
    assert settings == [{"name": "max_depth", "value": "none"}, {"name": "note", "value": "none"}]
    assert "r2" not in metrics_of(card, "New model")


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ('{"model_package_details": {}}', "extraneous key"),
        ('{"model_overview": {"model_owner": "me"}}', "model_owner"),
        ('{"intended_uses": {"risk_rating": "low"}}', "risk_rating"),
        (json.dumps({"intended_uses": {"purpose_of_model": "x" * 2049}}), "at most 2048"),
        ('{"evaluation_details": [{"metadata": {}}]}', "required key"),
        (
            '{"evaluation_details": [{"name": "a", "metric_groups": [{"name": "g", "metric_data": [{"name": "m"}]}]}]}',
            "no name, value, or type",
        ),
    ],
)
def test_what_aws_would_refuse_the_local_cloud_refuses(card, says):
    with pytest.raises(ApiError, match=says):
        check_model_card({"ModelCard": {"ModelCardContent": card}})


def test_a_package_without_a_card_is_fine():
    check_model_card({"ModelPackageGroupName": "bike"})
