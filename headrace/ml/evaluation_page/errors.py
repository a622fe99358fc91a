"""Where a model is wrong: calibration, scores, confusion, residuals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.ml.evaluation_page.confusion import draw_confusion
from headrace.ml.evaluation_page.models import Look, key_of, models_of
from headrace.ml.evaluation_page.plots import (
    UNIT,
    Plane,
    area,
    diagonal,
    dots,
    draw_plot,
    line,
    span,
    steps,
    upright,
)
from headrace.ml.pages.key import draw_key
from headrace.ml.pages.markup import Markup, element
from headrace.ml.pages.style import AFTER, BEFORE, BEFORE_FILL, INK
from headrace.ml.pages.words import count, percent

Document = Mapping[str, Any]


def draw_calibration(curves: Document) -> Markup | None:
    """Return whether probabilities come true, and how they are spread."""
    plot = curves.get("calibration") or {}
    if not plot:
        return None
    binary = bool(curves.get("roc") or curves.get("precision_recall") or curves.get("gain"))
    what = "of the positive label" if binary else "of the label that is answered"
    plane = Plane(UNIT, UNIT, f"predicted probability {what}", "share that came true")
    return element(
        "section",
        element("h2", "Calibration"),
        key_of(plot),
        element(
            "div",
            draw_plot(
                "Predicted and true",
                plane,
                diagonal(plane),
                [_calibrated(plane, look, drawn["bins"]) for look, drawn in models_of(plot)],
                note="Groups of equally many rows, with 95 % intervals; on the diagonal a probability comes true.",
            ),
            _scores(curves.get("scores") or {}, binary=binary),
            class_="cards",
        ),
    )


def draw_residuals(curves: Document) -> Markup | None:
    """Return by how much the numbers of a regression are off."""
    bands, spreads = curves.get("bands") or {}, curves.get("residuals") or {}
    if not (bands or spreads):
        return None
    return element(
        "section",
        element("h2", "Residuals"),
        key_of(spreads),
        element(
            "div",
            [_bands(look, drawn["bands"]) for look, drawn in reversed(list(models_of(bands)))],
            _residuals(spreads) if spreads else None,
            class_="cards",
        ),
    )


def draw_mistakes(curves: Document, evaluation: Document) -> Markup | None:
    """Return which label is taken for which."""
    tables = dict(curves.get("confusion") or {})
    if not tables and evaluation.get("confusion"):
        tables = {"challenger": evaluation["confusion"]}
    if not tables:
        return None
    pictures = [draw_confusion(look.name, table) for look, table in reversed(list(models_of(tables)))]
    return element(
        "section",
        element("h2", "Which label is taken for which"),
        element("p", "In percent of the rows with the true label, one row each.", class_="note"),
        element("div", pictures, class_="cards"),
    )


def _calibrated(plane: Plane, look: Look, bins: list[Document]) -> list[Markup]:
    points = [(each["predicted"], each["share"]) for each in bins]
    told = [
        (
            each["predicted"],
            each["share"],
            each["low"],
            each["high"],
            f"predicted {percent(each['predicted'])}, true {percent(each['share'])} of {count(each['rows'])} rows",
        )
        for each in bins
    ]
    return [line(plane, points, look.colour, width=1.0), *dots(plane, told, look.colour)]


def _scores(plot: Document, *, binary: bool) -> list[Markup]:
    key = draw_key("negative rows", "positive rows") if binary else draw_key("wrong", "right")
    return [_score(look, drawn, key) for look, drawn in reversed(list(models_of(plot)))]


def _score(look: Look, drawn: Document, key: Markup) -> Markup:
    shares = {
        name: [number / (sum(drawn[name]) or 1) for number in drawn[name]] for name in ("false", "true")
    }
    plane = Plane(
        UNIT, span([*shares["false"], *shares["true"]], zero=True), "probability", "share of these rows"
    )
    return draw_plot(
        f"Probabilities, {look.name}",
        plane,
        steps(plane, drawn["edges"], shares["false"], BEFORE, BEFORE_FILL),
        steps(plane, drawn["edges"], shares["true"], AFTER),
        key=key,
    )


def _bands(look: Look, bands: list[Document]) -> Markup:
    outer = [number for band in bands for number in (band["quantiles"][0], band["quantiles"][-1])]
    plane = Plane(span([band["predicted"] for band in bands]), span(outer), "predicted", "true")
    low, quarter, middle, three_quarters, high = (
        [(band["predicted"], band["quantiles"][index]) for band in bands] for index in range(5)
    )
    return draw_plot(
        f"Predicted and true, {look.name}",
        plane,
        area(plane, low, high, look.fill),
        line(plane, quarter, look.colour, width=0.75),
        line(plane, three_quarters, look.colour, width=0.75),
        line(plane, middle, look.colour, width=2.0),
        diagonal(plane),
        note="The truth by rising answer: median, middle half, and 90 % of the rows; dashed, where both are equal.",
    )


def _residuals(spreads: Document) -> Markup:
    drawn = list(models_of(spreads))
    shares = {look.name: [number / _rows(spread) for number in spread["counts"]] for look, spread in drawn}
    edges = drawn[0][1]["edges"]
    plane = Plane(
        span([*edges, 0.0]),
        span([share for found in shares.values() for share in found], zero=True),
        "true less predicted",
        "share of rows",
    )
    out = {look.name: (spread["below"] + spread["above"]) / _rows(spread) for look, spread in drawn}
    return draw_plot(
        "Residuals",
        plane,
        [
            steps(
                plane, edges, shares[look.name], look.colour, look.fill if look.colour == BEFORE else "none"
            )
            for look, _ in drawn
        ],
        upright(plane, 0.0, INK),
        note="Further out: "
        + ", ".join(f"{percent(share)} of the rows, {name}" for name, share in out.items()),
    )


def _rows(spread: Document) -> int:
    return sum(spread["counts"]) + spread["below"] + spread["above"] or 1
