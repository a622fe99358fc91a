"""Puts the page together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.ml.evaluation_page.checks import draw_fairness, draw_labels, draw_leakage, draw_threshold
from headrace.ml.evaluation_page.errors import draw_calibration, draw_mistakes, draw_residuals
from headrace.ml.evaluation_page.learned import draw_folds, draw_importance, draw_learning
from headrace.ml.evaluation_page.metrics import draw_comparison, draw_metrics
from headrace.ml.evaluation_page.origin import draw_data, draw_provenance, draw_training, draw_trials
from headrace.ml.evaluation_page.ranking import draw_ranking
from headrace.ml.pages.document import whole_document
from headrace.ml.pages.markup import Markup, element, joined

Report = Mapping[str, Any]


def render_evaluation(report: Report) -> str:
    """Return the evaluation of a new model as one HTML file, without scripts or anything to load.

    Parameters
    ----------
    report : mapping
        ``pipeline``, ``run``, ``promote`` and ``why``: what was judged, and how; ``evaluation``: the document of the
        evaluation job; and where there is one ``curves`` (as `curves_of` writes it), ``snapshot``, ``trained``, ``tuning`` and
        ``provenance``. What is not known has no section.

    Returns
    -------
    str
        Below 1 MB: of long lists the first entries are shown.
    """
    evaluation, curves = report.get("evaluation") or {}, report.get("curves") or {}
    headline = headline_of(report)
    body = joined(
        _head(report, headline),
        draw_data(report),
        draw_metrics(evaluation),
        draw_comparison(evaluation, curves.get("improvement")),
        draw_ranking(curves),
        draw_residuals(curves),
        draw_calibration(curves),
        draw_mistakes(curves, evaluation),
        draw_labels(evaluation),
        draw_threshold(evaluation),
        draw_importance(evaluation),
        draw_learning(evaluation),
        draw_folds(evaluation),
        draw_leakage(evaluation),
        draw_fairness(evaluation),
        draw_trials(report),
        draw_training(report),
        draw_provenance(report),
    )
    return whole_document(f"{report['pipeline']}: {headline}", body)


def headline_of(report: Report) -> str:
    """Say in one line what was decided.

    Examples
    --------
    >>> headline_of({"promote": False, "why": "the model in service stays: rmse 41 …"})
    'The model in service stays'
    >>> headline_of({"promote": True, "why": "rmse 42 on 900 unseen rows; it is the first model"})
    'The new model is registered'
    """
    if report["promote"]:
        return "The new model is registered"
    return (
        "The new model is refused"
        if str(report["why"]).startswith("refused")
        else "The model in service stays"
    )


def _head(report: Report, headline: str) -> Markup:
    why = str(report["why"])
    told = why.removeprefix("refused: ").removeprefix("the model in service stays: ")
    return element(
        "header",
        element("p", f"{report['pipeline']}, evaluation of {report['run']}", class_="of"),
        element("h1", headline),
        element("p", f"{told}."),
        class_=f"verdict {'well' if report['promote'] else 'drift'}",
    )
