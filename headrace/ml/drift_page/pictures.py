"""The columns that moved most, a card for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.ml.drift_page.distributions import draw_column
from headrace.ml.drift_page.ranking import LONGEST_SUMMARY
from headrace.ml.pages.key import draw_key
from headrace.ml.pages.markup import LONGEST_NAME, Markup, element, shortened
from headrace.ml.pages.words import percent
from headrace.ml.profile import Profile
from headrace.ml.profile_column import ColumnProfile

MOST_PICTURES = 12

Report = Mapping[str, Any]


def draw_pictures(report: Report, reference: Profile, window: Profile) -> Markup | None:
    """Return a card for each column that is drawn, before and after; None if there is nothing to draw."""
    pairs = chosen_columns(report, reference, window)
    if not pairs:
        return None
    verdicts = {feature["name"]: feature for feature in report["features"]}
    left = len(report["features"]) - len(pairs)
    return element(
        "section",
        element("h2", "Before and after"),
        draw_key("before: training data", "after: this window"),
        element("div", [_card(old, new, verdicts.get(old.name)) for old, new in pairs], class_="cards"),
        element("p", f"{left} columns that moved less are not drawn.", class_="note") if left > 0 else None,
    )


def chosen_columns(
    report: Report, reference: Profile, window: Profile
) -> list[tuple[ColumnProfile, ColumnProfile]]:
    """Return what is drawn: the prediction, then the columns that moved most."""
    named = {column.name: column for column in window.columns}
    known = {column.name: column for column in reference.columns}
    ranked = [feature["name"] for feature in report["features"]] or list(known)
    first = [reference.prediction.name] if reference.prediction else []
    wanted = [name for name in dict.fromkeys([*first, *ranked]) if name in known and name in named]
    return [(known[name], named[name]) for name in wanted if known[name].kind != "datetime"][:MOST_PICTURES]


def _card(before: ColumnProfile, after: ColumnProfile, verdict: Report | None) -> Markup:
    drifted = bool(verdict and verdict["drifted"])
    return element(
        "article",
        element(
            "h3",
            shortened(before.name, LONGEST_NAME),
            element("span", " \N{BLACK UP-POINTING TRIANGLE} drifted", class_="moved") if drifted else None,
        ),
        element(
            "p",
            f"{shortened(str(verdict['summary']), LONGEST_SUMMARY)}; effect {percent(float(verdict['effect']))}",
            class_="note",
        )
        if verdict
        else None,
        draw_column(before, after),
        class_="card",
    )
