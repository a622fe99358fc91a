"""How a binary model ranks rows: ROC, precision and recall, gain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.ml.evaluation_page.models import key_of, models_of, value
from headrace.ml.evaluation_page.plots import UNIT, Plane, diagonal, draw_plot, line
from headrace.ml.pages.markup import Markup, element
from headrace.ml.pages.style import FAINT

Document = Mapping[str, Any]


def draw_ranking(curves: Document) -> Markup | None:
    """Return the curves of a binary model; None of any other."""
    roc, precision = curves.get("roc") or {}, curves.get("precision_recall") or {}
    if not (roc or precision):
        return None
    return element(
        "section",
        element("h2", "How rows are ranked"),
        key_of(roc or precision),
        element("div", _roc(roc), _precision(precision), _gain(curves.get("gain") or {}), class_="cards"),
    )


def _roc(plot: Document) -> Markup | None:
    if not plot:
        return None
    plane = Plane(UNIT, UNIT, "false positive rate", "true positive rate")
    return draw_plot("ROC", plane, diagonal(plane), _lines(plane, plot), note=_told(plot, "auc", "area"))


def _precision(plot: Document) -> Markup | None:
    if not plot:
        return None
    plane = Plane(UNIT, UNIT, "recall", "precision")
    share = next(drawn["positive_share"] for _, drawn in models_of(plot))
    return draw_plot(
        "Precision and recall",
        plane,
        line(plane, [(0.0, share), (1.0, share)], FAINT, width=1.0, dash="3 3"),
        _lines(plane, plot),
        note=_told(plot, "average_precision", "average precision"),
    )


def _gain(plot: Document) -> Markup | None:
    if not plot:
        return None
    plane = Plane(UNIT, UNIT, "share of rows, highest scores first", "share of positives found")
    return draw_plot("Gain", plane, diagonal(plane), _lines(plane, plot))


def _lines(plane: Plane, plot: Document) -> list[Markup]:
    return [line(plane, drawn["points"], look.colour, width=look.width) for look, drawn in models_of(plot)]


def _told(plot: Document, name: str, title: str) -> str:
    return f"{title}: " + ", ".join(f"{value(drawn[name])} {look.name}" for look, drawn in models_of(plot))
