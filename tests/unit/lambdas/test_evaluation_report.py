import json

import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.gate import Decision
from lambdas.judge_model.report import write_report
from tests.unit.headrace.ml.evaluation.evaluations import regression, report_of

RUN = "headrace-bike-260131-120000-0a1b2c3d"
FOLDER = f"evaluations/{RUN}"
EVENT = {
    "run": RUN,
    "training_job": f"{RUN}-0",
    "model_data_url": f"s3://artifacts/training/{RUN}-0/output/model.tar.gz",
    "snapshot": {
        "rows": {"train": 5000, "test": 300},
        "window": "all rows are learned from",
        "content_hash": "ab" * 32,
        "train_uri": "s3://artifacts/snapshots/ab/train/",
    },
}
BETTER = Decision(True, "rmse 42 on 300 unseen rows, 8 better than the 50 of the model in service")
WORSE = Decision(False, "the model in service stays: rmse 52 on 300 unseen rows, 2 worse than the 50")
PROVENANCE = {"image": {"uri": "headrace:0"}}
DRAWN = report_of("regression", regression(300), regression(300, seed=2))


class Pages(dict):
    def load(self, key):
        return self.get(key)

    def put(self, key, body, *, content_type):
        self[key] = (body.decode(), content_type)


@pytest.fixture
def pages():
    return Pages({f"{FOLDER}/curves.json": DRAWN["curves"]})


def pipeline(**fields):
    return Pipeline(name="bike", problem="regression", target="cnt", **fields)


def write(
    pages,
    decision=BETTER,
    evaluation=DRAWN["evaluation"],
    event=EVENT,
    provenance=PROVENANCE,
    **fields,
):
    return write_report(event, pipeline(**fields), decision, evaluation, provenance, "artifacts", pages)


@pytest.mark.parametrize("decision", [BETTER, WORSE])
def test_a_promoted_and_a_refused_model_have_a_page_and_a_card(pages, decision):
    written = write(pages, decision)

    page, kind = pages[f"{FOLDER}/report.html"]
    assert written.page_uri == f"s3://artifacts/{FOLDER}/report.html"
    assert kind == "text/html; charset=utf-8"
    assert decision.why.removeprefix("the model in service stays: ") in page
    assert "Residuals" in page
    card, kind = pages[f"{FOLDER}/model_card.json"]
    assert kind == "application/json"
    assert written.card == card
    assert json.loads(card)["evaluation_details"][0]["evaluation_observation"] == decision.why


def test_the_card_says_what_the_pipeline_file_says(pages):
    write(pages, card={"owner": "mobility", "risk": "low"}, training={"hyperparameters": {"max_iter": 50}})

    card = json.loads(pages[f"{FOLDER}/model_card.json"][0])
    assert card["model_overview"] == {
        "model_creator": "mobility",
        "model_artifact": [EVENT["model_data_url"]],
    }
    assert card["intended_uses"]["risk_rating"] == "Low"
    jobs = card["training_details"]["training_job_details"]
    assert jobs["user_provided_hyper_parameters"] == [{"name": "max_iter", "value": "50"}]
    assert jobs["training_datasets"] == [EVENT["snapshot"]["train_uri"]]


def test_an_evaluation_that_is_missing_has_a_page_that_says_so(pages):
    refused = Decision(False, "refused: the new model was not compared with the one in service")

    write(Pages(pages), refused, {})
    write(pages, refused, {}, {"run": RUN, "training_job": "job"})

    assert "was not compared" in pages[f"{FOLDER}/report.html"][0]


def test_a_page_that_cannot_be_drawn_stops_nothing():
    broken = Pages({f"{FOLDER}/curves.json": {"roc": {"challenger": "no curve"}}})

    written = write(broken)

    assert written.page_uri is None
    assert written.card == "{}"


def test_where_a_model_comes_from_is_on_its_page(pages):
    write(pages, provenance={"code": {"commit": "ab12cd"}, "image": {"uri": "headrace:1"}})

    assert "ab12cd" in pages[f"{FOLDER}/report.html"][0]
    card = json.loads(pages[f"{FOLDER}/model_card.json"][0])
    environment = card["training_details"]["training_job_details"]["training_environment"]
    assert environment == {"container_image": ["headrace:1"]}
