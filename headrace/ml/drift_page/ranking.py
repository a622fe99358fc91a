"""All columns, ranked by how far they moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.ml.pages.markup import LONGEST_NAME, Markup, element, joined, shortened
from headrace.ml.pages.style import AFTER, AFTER_FILL, BEFORE, BEFORE_FILL, INK
from headrace.ml.pages.words import chance, percent

MOST_ROWS = 200
LONGEST_SUMMARY = 160
_CAPTION = (
    "Effect: share of rows that moved; the mark is the least that counts. p: how likely so large a difference is without "
    "drift; small is sure. A column has drifted if both are past their limits."
)
_HEADS = (("column", "column"), ("effect", "effect"), ("", "bar"), ("p", "p"), ("from → to", "change"))


def draw_ranking(features: Sequence[Mapping[str, Any]]) -> Markup:
    """Return a table of the columns of a report, as ranked there: drifted ones first, then by effect.

    Parameters
    ----------
    features : sequence of mapping
        Of the report: ``name``, ``drifted``, ``effect``, ``floor``, ``p_value``, ``threshold``, ``summary``.
    """
    longest = max([float(feature[name]) for feature in features for name in ("effect", "floor")], default=1.0)
    more = len(features) - MOST_ROWS
    return joined(
        element(
            "table",
            element("caption", _CAPTION),
            element(
                "thead",
                element("tr", [element("th", name, scope="col", class_=width) for name, width in _HEADS]),
            ),
            element("tbody", [_row(feature, longest) for feature in features[:MOST_ROWS]]),
        ),
        element("p", f"and {more} more in the report", class_="note") if more > 0 else None,
    )


def _row(feature: Mapping[str, Any], longest: float) -> Markup:
    drifted = bool(feature["drifted"])
    return element(
        "tr",
        element(
            "th",
            element("span", shortened(str(feature["name"]), LONGEST_NAME)),
            element("span", " \N{BLACK UP-POINTING TRIANGLE} drifted", class_="moved") if drifted else None,
            scope="row",
        ),
        element("td", percent(float(feature["effect"])), data_name="effect"),
        element("td", _bar(feature, longest, drifted), class_="bar"),
        element("td", f"{chance(feature['p_value'])} (limit {chance(feature['threshold'])})", data_name="p"),
        element("td", shortened(str(feature["summary"]), LONGEST_SUMMARY)),
    )


def _bar(feature: Mapping[str, Any], longest: float, drifted: bool) -> Markup:
    effect, floor = (100.0 * float(feature[name]) / (longest or 1.0) for name in ("effect", "floor"))
    told = f"effect {percent(float(feature['effect']))}, {percent(float(feature['floor']))} counts"
    return element(
        "svg",
        element("title", told),
        element(
            "rect",
            x=0.0,
            y=1.0,
            width=effect,
            height=10.0,
            fill=AFTER_FILL if drifted else BEFORE_FILL,
            stroke=AFTER if drifted else BEFORE,
            stroke_width=0.4,
        ),
        element("rect", x=min(floor, 99.4), y=0.0, width=0.6, height=12.0, fill=INK),
        viewBox="0 0 100 12",
        preserveAspectRatio="none",
        role="img",
    )
