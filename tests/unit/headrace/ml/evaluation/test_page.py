import re
from html.parser import HTMLParser

import numpy as np
import pytest

from headrace.ml.evaluation_page.page import render_evaluation
from headrace.ml.metrics import Predictions
from tests.unit.headrace.ml.evaluation.evaluations import (
    binary,
    evidence,
    multiclass,
    regression,
    report_of,
)

EVERYTHING = {
    "tuning": {
        "strategy": "bayesian",
        "metric": "roc_auc",
        "better": "higher",
        "best": "bike-2",
        "trials": [
            {"job": "bike-1", "objective": 0.91, "status": "Completed", "hyperparameters": {"max_depth": 3}},
            {"job": "bike-3", "objective": None, "status": "Failed", "hyperparameters": {"max_depth": 9}},
            {"job": "bike-2", "objective": 0.92, "status": "Completed", "hyperparameters": {"max_depth": 5}},
        ],
    },
    "provenance": {"code": {"commit": "ab12cd", "dirty": False}, "parent": "v3"},
}


class Checked(HTMLParser):
    """Reads a page as a browser does: tags that are closed, and what is told."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text = [], set(), []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    found = Checked(page)
    assert not found.open
    return found


def heads(page):
    return re.findall(r"<h2>(.*?)</h2>", page)


def cards(page):
    return re.findall(r"<h3>(.*?)</h3>", page)


def test_a_binary_model_beside_the_one_in_service_has_every_section():
    page = render_evaluation(
        {**report_of("binary", binary(800), binary(800, seed=2), **evidence()), **EVERYTHING}
    )

    read(page)
    assert heads(page) == [
        "Data",
        "Metrics",
        "Compared with the model in service",
        "How rows are ranked",
        "Calibration",
        "Which label is taken for which",
        "Label by label",
        "Threshold",
        "What the answers depend on",
        "Too little learned, or too much",
        "Cross-validation",
        "Leakage",
        "Groups by sex",
        "Trials of the tuning",
        "How it was trained",
        "Provenance",
    ]


def test_what_is_not_known_has_no_section():
    page = render_evaluation({"pipeline": "bike", "run": "r1", "promote": False, "why": "refused: no rows"})

    assert heads(page) == []
    assert "The new model is refused" in page


@pytest.mark.parametrize(
    ("promote", "why", "headline", "told"),
    [
        (
            True,
            "rmse 42 on 900 unseen rows; it is the first model",
            "The new model is registered",
            "first model",
        ),
        (
            False,
            "the model in service stays: rmse 44, 2 worse",
            "The model in service stays",
            "rmse 44, 2 worse",
        ),
        (
            False,
            "refused: the evaluation has no value for rmse",
            "The new model is refused",
            "no value for rmse",
        ),
    ],
)
def test_the_verdict_comes_first_in_a_sentence(promote, why, headline, told):
    page = render_evaluation(report_of("regression", regression(300), promote=promote, why=why))

    head = page[page.index("<header") : page.index("</header>")]
    assert f"<h1>{headline}</h1>" in head
    assert told in head


def test_a_regression_has_residuals_and_nothing_about_labels():
    page = render_evaluation(report_of("regression", regression(500), regression(500, seed=2)))

    assert cards(page) == [
        "Improvement, over resampled rows",
        "Predicted and true, new model",
        "Predicted and true, in service",
        "Residuals",
    ]


def test_without_a_model_in_service_there_is_nothing_to_compare_with():
    page = render_evaluation(report_of("regression", regression(500)))

    assert "Compared with the model in service" not in page
    assert cards(page) == ["Predicted and true, new model", "Residuals"]


def test_a_model_in_service_that_cannot_answer_is_explained():
    page = render_evaluation(
        report_of("binary", binary(200), champion_problem="it needs the column 'hum', which is gone")
    )

    assert "which is gone" in page


@pytest.mark.parametrize("labels", [3, 7, 40])
def test_of_any_number_of_labels_at_most_twenty_are_drawn(labels):
    page = render_evaluation(report_of("multiclass", multiclass(1500, labels)))

    drawn = re.findall(r"<title>true (.*?), answered", page)
    assert len(set(drawn)) == min(labels, 20)
    assert ("all others" in drawn) is (labels > 20)


def test_the_metrics_come_with_intervals_and_the_decisive_one_first():
    page = render_evaluation(
        report_of(
            "regression",
            regression(300),
            measured={"challenger": {"mae": {"value": 11.5, "low": 10.25, "high": 12.75}}},
        )
    )

    table = page[page.index("<h2>Metrics") :]
    assert table.index("rmse (decides)") < table.index(">mae<")
    assert "11.5 (10.25 to 12.75)" in table


def test_names_and_labels_are_text_and_never_markup():
    evil = '<script>alert("x")</script>'
    base = binary(300)
    model = Predictions(np.where(base.truth == "yes", evil, "<b>"), base.values, ("<b>", evil))
    report = report_of("binary", model, **evidence(evil, (evil, "<i>")))
    report["pipeline"] = report["run"] = report["why"] = evil

    found = read(render_evaluation(report))

    assert not {"script", "b", "i"} & found.tags
    assert any(evil in text for text in found.text)


def test_it_loads_nothing_and_runs_nothing():
    page = render_evaluation(
        {**report_of("binary", binary(800), binary(800, seed=2), **evidence()), **EVERYTHING}
    )

    assert not re.search(r"<(script|link|img|iframe)|\ssrc=|\shref=|url\(|@import|\son\w+=", page)


def test_the_largest_page_stays_below_a_megabyte():
    names = [f"{index} " + "name" * 50 for index in range(3000)]
    long = {
        "per_class": {name: {"recall": 0.5} for name in names},
        "leakage": [{"sentence": name} for name in names],
        "importance": [{"feature": name, "mean": 0.1} for name in names],
        "shap": [{"feature": name, "mean_abs": 0.1} for name in names],
        "fairness": {"group": {"groups": {name: {"rows": 5} for name in names}, "gaps": {}}},
        "cross_validation": {"folds": 3000, "f1_macro": {"mean": 0.5, "values": [0.5] * 3000}},
    }
    report = report_of("multiclass", multiclass(3000, 100), multiclass(3000, 100, seed=2), **long)
    report["tuning"] = {"trials": [{"job": name, "hyperparameters": {name: 1.0}} for name in names]}
    report["provenance"] = {name: name for name in names}
    report["trained"]["hyperparameters"] = {name: name for name in names}

    page = render_evaluation(report)

    read(page)
    assert len(page.encode()) < 1_000_000


def test_the_same_evaluation_is_the_same_page():
    assert render_evaluation(report_of("binary", binary(400))) == render_evaluation(
        report_of("binary", binary(400))
    )


def test_a_curve_of_a_model_that_answers_always_the_same_can_be_drawn():
    constant = Predictions(np.full(50, 5.0), np.full(50, 5.0))
    halves = Predictions(np.array(["no", "yes"] * 25), np.full((50, 2), 0.5), ("no", "yes"))

    assert "NaN" not in render_evaluation(report_of("regression", constant)).replace("nan", "NaN")
    assert "ROC" in render_evaluation(report_of("binary", halves))


def test_trials_come_best_first_and_those_without_a_value_last():
    page = render_evaluation({**report_of("binary", binary(200)), **EVERYTHING})

    names = ["bike-2 (best)", "bike-1", "bike-3"]
    places = [page.index(f">{name}<") for name in names]
    assert places == sorted(places)


def test_a_threshold_is_shown_with_what_it_brings_and_groups_with_who_is_apart():
    page = render_evaluation(report_of("binary", binary(200), **evidence()))

    assert "0.37 (0.31 to 0.42)" in page
    assert "360 validation rows" in page
    assert page.index("cost (decides)") < page.index('data-name="at 0.5">1.5<')
    assert 'data-name="largest (95 %)">0.04 (0.01 to 0.09)<' in page
    assert 'data-name="lowest">f<' in page


def test_groups_that_are_too_small_to_count_are_named():
    gap = {"value": None, "low": None, "high": None, "left_out": ["under 30", "over 60"]}

    page = render_evaluation(
        report_of("binary", binary(200), fairness={"age": {"groups": {}, "gaps": {"equalised_odds": gap}}})
    )

    assert ">under 30, over 60<" in page


def test_folds_say_that_no_threshold_made_their_labels():
    page = render_evaluation(report_of("binary", binary(200), **evidence()))

    assert "their labels are the more probable ones, without the threshold" in page


def test_what_other_sections_have_is_not_said_again_under_provenance():
    provenance = {"code": {"commit": "ab12cd"}, "metrics": {"rmse": 12345.678}, "parent": None}

    page = render_evaluation({**report_of("regression", regression(100)), "provenance": provenance})

    assert "ab12cd" in page
    assert "12345.678" not in page


def test_files_keep_their_names_under_provenance_and_what_is_empty_is_not_told():
    code = {"code_version": "7f", "git_says": "", "locks": {"sagemaker_jobs/requirements.txt": "12cd"}}

    page = render_evaluation({**report_of("regression", regression(100)), "provenance": {"code": code}})

    assert ">code: locks: sagemaker_jobs/requirements.txt<" in page
    assert ">code: code version<" in page
    assert "git says" not in page
