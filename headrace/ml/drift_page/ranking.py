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
_WEIGHT_CAPTION = (
    " Importance: the column's share in what the answers rest on, as measured when the model was trained; whether a column "
    "has drifted does not depend on it."
)
_HEADS = (("column", "column"), ("effect", "effect"), ("", "bar"), ("p", "p"), ("from → to", "change"))
_WEIGHT_HEAD = ("importance", "weight")


def draw_ranking(features: Sequence[Mapping[str, Any]]) -> Markup:
    """Return a table of the columns of a report, as ranked there: drifted ones first, then by effect.

    Parameters
    ----------
    features : sequence of mapping
        Of the report: ``name``, ``drifted``, ``effect``, ``floor``, ``p_value``, ``threshold``, ``summary``, and where it is
        known ``importance``, the column's share in all importance.
    """
    weighed = any("importance" in feature for feature in features)
    heads = (_HEADS[0], _WEIGHT_HEAD, *_HEADS[1:]) if weighed else _HEADS
    longest = max([float(feature[name]) for feature in features for name in ("effect", "floor")], default=1.0)
    more = len(features) - MOST_ROWS
    return joined(
        element(
            "table",
            element("caption", _CAPTION + (_WEIGHT_CAPTION if weighed else "")),
            element(
                "thead",
                element("tr", [element("th", name, scope="col", class_=width) for name, width in heads]),
            ),
            element("tbody", [_row(feature, longest, weighed) for feature in features[:MOST_ROWS]]),
        ),
        element("p", f"and {more} more in the report", class_="note") if more > 0 else None,
    )


def _row(feature: Mapping[str, Any], longest: float, weighed: bool) -> Markup:
    drifted = bool(feature["drifted"])
    return element(
        "tr",
        element(
            "th",
            element("span", shortened(str(feature["name"]), LONGEST_NAME)),
            element("span", " \N{BLACK UP-POINTING TRIANGLE} drifted", class_="moved") if drifted else None,
            scope="row",
        ),
        element("td", _weight(feature), data_name="importance") if weighed else None,
        element("td", percent(float(feature["effect"])), data_name="effect"),
        element("td", _bar(feature, longest, drifted), class_="bar"),
        element("td", f"{chance(feature['p_value'])} (limit {chance(feature['threshold'])})", data_name="p"),
        element("td", shortened(str(feature["summary"]), LONGEST_SUMMARY)),
    )


def _weight(feature: Mapping[str, Any]) -> str:
    """Return a column's share in what the answers rest on; nothing for the answers themselves."""
    return percent(float(feature["importance"])) if "importance" in feature else ""


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
