"""Writes down for people what is known of a new model: its page and its model card, of a refused one, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from headrace.aws.logs import function_logger
from headrace.config.pipeline import Pipeline
from headrace.ml.evaluation.model_card import card_text, model_card
from headrace.ml.evaluation_page.page import render_evaluation
from headrace.ml.gate import Decision

logger = function_logger(child=True)

PAGE, CARD = "report.html", "model_card.json"
_HTML, _JSON = "text/html; charset=utf-8", "application/json"

Document = Mapping[str, Any]


class Pages(Protocol):
    """What this needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, or None if there is none."""
        ...

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> None:
        """Write bytes."""
        ...


@dataclass(frozen=True)
class Written:
    """What was written down.

    Parameters
    ----------
    page_uri : str or None
        Where the page is; None if it could not be written.
    card : str
        The content of the model card; an empty one, which has no sections, if that could not be written.
    """

    page_uri: str | None = None
    card: str = "{}"


def write_report(
    event: Document,
    pipeline: Pipeline,
    decision: Decision,
    evaluation: Document,
    provenance: Document,
    bucket: str,
    pages: Pages,
) -> Written:
    """Write ``report.html`` and ``model_card.json`` beside the evaluation of a run.

    What cannot be written never stops a training, because the verdict is worth more than its pictures: the log says why.
    """
    folder = f"evaluations/{event['run']}"
    page_uri = f"s3://{bucket}/{folder}/{PAGE}"
    try:
        report = {
            **_report(event, pipeline, decision, evaluation),
            "curves": pages.load(f"{folder}/curves.json"),
            "tuning": pages.load(f"{folder}/trials.json"),
            "provenance": provenance,
            "image_uri": provenance["image"]["uri"],
            "page_uri": page_uri,
        }
        card = card_text(model_card(report))
        pages.put(f"{folder}/{CARD}", card.encode(), content_type=_JSON)
        pages.put(f"{folder}/{PAGE}", render_evaluation(report).encode(), content_type=_HTML)
    except Exception:
        logger.exception("the report of the evaluation could not be written", extra={"run": event["run"]})
        return Written()
    return Written(page_uri, card)


def _report(event: Document, pipeline: Pipeline, decision: Decision, evaluation: Document) -> dict[str, Any]:
    training = event.get("training") or {}
    return {
        "pipeline": pipeline.name,
        "run": event["run"],
        "promote": decision.promote,
        "why": decision.why,
        "evaluation": evaluation,
        "snapshot": event.get("snapshot"),
        "trained": evaluation.get("model") or _declared(pipeline, training),
        "about": pipeline.card.model_dump() if pipeline.card else None,
        "model_data_url": event.get("model_data_url"),
        "training_job": event["training_job"],
    }


def _declared(pipeline: Pipeline, training: Document) -> dict[str, Any]:
    """Return how the model was trained, as the pipeline file, or the search, has it."""
    return {
        "problem": pipeline.problem,
        "estimator": pipeline.training.estimator,
        "seed": pipeline.training.seed,
        "hyperparameters": training.get("hyperparameters", pipeline.training.hyperparameters),
    }
