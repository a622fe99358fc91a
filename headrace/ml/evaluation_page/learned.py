"""What was learned: importances, the learning curve, folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.ml.evaluation_page.models import value, with_interval
from headrace.ml.evaluation_page.plots import WIDTH, Plane, dots, draw_plot, line, span
from headrace.ml.pages.key import draw_key
from headrace.ml.pages.markup import LONGEST_NAME, Markup, element, shortened
from headrace.ml.pages.style import AFTER, BEFORE, BEFORE_FILL, INK
from headrace.ml.pages.table import draw_table

_MOST_BARS = 20
_MOST_FOLDS = 60
_NAME, _ROW, _NUMBER = 120.0, 20.0, 52.0
_LABEL = 17

Document = Mapping[str, Any]


def draw_importance(evaluation: Document) -> Markup | None:
    """Return which columns the answers depend on."""
    importance, shap = (
        _ranked(evaluation.get(name), by) for name, by in (("importance", "mean"), ("shap", "mean_abs"))
    )
    if not (importance or shap):
        return None
    return element(
        "section",
        element("h2", "What the answers depend on"),
        element(
            "div",
            _bars(f"How much worse {evaluation.get('metric')} is with a column shuffled", importance, "mean"),
            _bars("Mean absolute SHAP value", shap, "mean_abs"),
            class_="cards",
        ),
    )


def draw_learning(evaluation: Document) -> Markup | None:
    """Return what more rows bring, and whether the model learns too little or too much by heart."""
    verdict, curve = evaluation.get("verdict") or {}, evaluation.get("learning_curve") or []
    sentence = verdict.get("sentence")
    if not (sentence or curve):
        return None
    return element(
        "section",
        element("h2", "Too little learned, or too much"),
        element("p", sentence) if sentence else None,
        [draw_key("training rows", "validation rows"), _curve(curve, str(evaluation.get("metric")))]
        if curve
        else None,
    )


def draw_folds(evaluation: Document) -> Markup | None:
    """Return what a cross-validation has found."""
    found = evaluation.get("cross_validation") or {}
    metrics = {name: each for name, each in found.items() if isinstance(each, Mapping) and "mean" in each}
    if not metrics:
        return None
    folds: Any = found.get("folds")
    number = len(folds) if isinstance(folds, list | tuple) else folds
    decisive = evaluation.get("metric")
    rows = [
        (name, [with_interval(each), _values(each.get("values") or [])])
        for name, each in sorted(metrics.items(), key=lambda item: item[0] != decisive)
    ]
    return draw_table(
        "Cross-validation",
        ["metric", "mean (95 %)", "of each fold"],
        rows,
        _of_folds(number, found.get("over"), bool(evaluation.get("threshold"))),
    )


def _of_folds(number: int | None, over: str | None, decided: bool) -> str | None:
    """Say what the folds are of, and what their labels are.

    Examples
    --------
    >>> _of_folds(5, "all", True)
    '5 folds of all rows; their labels are the more probable ones, without the threshold.'
    """
    if not number:
        return None
    rows = "all rows" if over == "all" else "the rows that are learned from"
    labels = "; their labels are the more probable ones, without the threshold" if decided else ""
    return f"{number} folds of {rows}{labels}."


def _values(values: Sequence[float]) -> str:
    more = f" and {len(values) - _MOST_FOLDS} more" if len(values) > _MOST_FOLDS else ""
    return ", ".join(value(each) for each in values[:_MOST_FOLDS]) + more


def _ranked(entries: Any, by: str) -> list[Document]:
    return sorted(entries or [], key=lambda entry: -float(entry[by]))


def _bars(title: str, entries: Sequence[Document], by: str) -> Markup | None:
    if not entries:
        return None
    shown = entries[:_MOST_BARS]
    ends = [float(each) for entry in shown for each in (entry[by], entry.get("high") or entry[by], 0.0)]
    scale = span([*ends, *(float(entry.get("low") or 0.0) for entry in shown)], zero=True)
    plane = Plane(scale, scale, "", "")
    height = _ROW * len(shown) + 4.0
    more = len(entries) - len(shown)
    return element(
        "article",
        element("h3", title),
        element(
            "svg",
            element("title", title),
            [_bar(plane, entry, by, place) for place, entry in enumerate(shown)],
            viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
            role="img",
        ),
        element("p", f"and {more} more columns", class_="note") if more > 0 else None,
        class_="card",
    )


def _bar(plane: Plane, entry: Document, by: str, place: int) -> list[Markup | None]:
    def across(number: float) -> float:
        low, high = plane.x.low, plane.x.high
        return _NAME + (number - low) / (high - low) * (WIDTH - _NAME - _NUMBER)

    y, number = place * _ROW + 2.0, float(entry[by])
    start, end = sorted((across(0.0), across(number)))
    name = str(entry["feature"])
    whisker = (
        element(
            "line",
            x1=across(float(entry["low"])),
            x2=across(float(entry["high"])),
            y1=y + 7.0,
            y2=y + 7.0,
            stroke=INK,
            stroke_width=1.0,
        )
        if entry.get("low") is not None and entry.get("high") is not None
        else None
    )
    return [
        element(
            "text",
            shortened(name, _LABEL),
            element("title", shortened(name, LONGEST_NAME)),
            x=_NAME - 6.0,
            y=y + 11.0,
            text_anchor="end",
            class_="name",
        ),
        element("rect", x=start, y=y, width=end - start, height=14.0, fill=BEFORE_FILL, stroke=BEFORE),
        whisker,
        element("text", value(number), x=WIDTH - 2.0, y=y + 11.0, text_anchor="end"),
    ]


def _curve(curve: Sequence[Document], metric: str) -> Markup:
    lines = {
        name: [(float(point["rows"]), float(point[name])) for point in curve if point.get(name) is not None]
        for name in ("train", "validation")
    }
    points = [point for found in lines.values() for point in found]
    plane = Plane(
        span([x for x, _ in points], zero=True), span([y for _, y in points]), "training rows", metric
    )
    colours = {"train": BEFORE, "validation": AFTER}
    return element(
        "div",
        draw_plot(
            "Learning curve",
            plane,
            [line(plane, found, colours[name]) for name, found in lines.items() if found],
            [
                dots(plane, [(x, y, y, y, f"{x:.0f} rows: {value(y)}") for x, y in found], colours[name])
                for name, found in lines.items()
            ],
        ),
        class_="cards",
    )
