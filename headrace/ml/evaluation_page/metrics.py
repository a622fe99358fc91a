"""What both models are worth: each metric with its interval, and on which rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.ml.evaluation_page.models import NEW, OLD, value, with_interval
from headrace.ml.evaluation_page.plots import Plane, draw_plot, span, steps, upright
from headrace.ml.pages.markup import Markup, element
from headrace.ml.pages.style import AFTER, AFTER_FILL, INK
from headrace.ml.pages.table import draw_rows, draw_table
from headrace.ml.pages.words import count, percent

Document = Mapping[str, Any]

_PARTS = (("", "all unseen rows"), ("holdout", "old holdout"), ("recent", "recent rows"))


def draw_metrics(evaluation: Document) -> Markup | None:
    """Return a table of all metrics, the one that decides first."""
    decisive = evaluation.get("metric")
    columns = {NEW: _measured(evaluation, "challenger"), OLD: _measured(evaluation, "champion")}
    columns["new model, on its training rows"] = dict(evaluation.get("train") or {})
    columns = {name: found for name, found in columns.items() if found}
    names = sorted(
        dict.fromkeys(metric for found in columns.values() for metric in found), key=decisive.__ne__
    )
    if not names:
        return None
    rows = [
        (
            f"{metric} (decides)" if metric == decisive else metric,
            [with_interval(found[metric]) if metric in found else "" for found in columns.values()],
        )
        for metric in names
    ]
    note = f"On {count(evaluation.get('rows', 0))} rows that no model has learned from; in brackets, 95 % intervals."
    return draw_table("Metrics", ["metric", *columns], rows, note)


def draw_comparison(evaluation: Document, improvement: Document | None) -> Markup | None:
    """Return how both models compare, on rows of each kind; None without one in service."""
    problem = evaluation.get("champion_problem")
    if problem:
        return element(
            "section",
            element("h2", "Compared with the model in service"),
            element("p", f"It cannot answer these rows: {problem}."),
        )
    if not evaluation.get("champion"):
        return None
    metric = str(evaluation.get("metric"))
    parts = [(evaluation.get(key) if key else evaluation, name) for key, name in _PARTS]
    rows = [
        (name, _compared(part, metric))
        for part, name in parts
        if part and part.get("rows") and (part is evaluation or part["rows"] != evaluation["rows"])
    ]
    learned = evaluation.get("learned_rows") or 0
    return element(
        "section",
        element("h2", "Compared with the model in service"),
        draw_rows(["rows", "how many", NEW, OLD, "better by (95 %)"], rows),
        element(
            "p",
            f"{count(learned)} more rows do not count, because the model in service may have learned from them.",
            class_="note",
        )
        if learned
        else None,
        element("div", _improvement(metric, improvement), class_="cards") if improvement else None,
    )


def _measured(evaluation: Document, model: str) -> dict[str, Any]:
    """Return a model's metrics, with intervals as far as there are any."""
    plain = dict(evaluation.get(model) or {})
    known = dict((evaluation.get("measured") or {}).get(model) or {})
    interval = (evaluation.get("intervals") or {}).get(model)
    metric = evaluation.get("metric")
    if interval and metric in plain:
        plain[metric] = {"value": plain[metric], "low": interval[0], "high": interval[1]}
    return {**plain, **known}


def _compared(part: Document, metric: str) -> list[str]:
    new, old = ((part.get(model) or {}).get(metric) for model in ("challenger", "champion"))
    interval = (part.get("intervals") or {}).get("improvement")
    between = f"{value(interval[0])} to {value(interval[1])}" if interval else "not known"
    return [count(part["rows"]), value(new), value(old), between]


def _improvement(metric: str, spread: Document) -> Markup:
    rows = sum(spread["counts"])
    shares = [number / rows for number in spread["counts"]]
    plane = Plane(
        span([*spread["edges"], 0.0]),
        span(shares, zero=True),
        f"better by, in {metric}",
        "share of resamples",
    )
    return draw_plot(
        "Improvement, over resampled rows",
        plane,
        steps(plane, spread["edges"], shares, AFTER, AFTER_FILL),
        upright(plane, 0.0, INK),
        note=f"Better in {percent(spread['better'])} of the resamples.",
    )
