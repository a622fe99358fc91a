"""How a shadow's answers agree with those that callers got, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from headrace.ml.pages.markup import Markup, element, shortened
from headrace.ml.pages.style import AFTER, AFTER_FILL, FAINT
from headrace.ml.pages.words import count, figure, percent
from headrace.ml.release.shadow import EDGES

_WIDTH, _ROW, _NAME, _NUMBERS = 340.0, 20.0, 110.0, 60.0
_LABEL = 22

Report = Mapping[str, Any]


def draw_agreement(agreement: Report | None, champion: str, challenger: str) -> Markup | None:
    """Return what both answered to the same requests; None without any.

    Parameters
    ----------
    agreement : mapping or None
        As in the report of a release.
    champion, challenger : str
        Names of the models.
    """
    if not agreement or not agreement["rows"]:
        return None
    return element(
        "section",
        element("h2", "The same requests, answered by both"),
        element("p", _sentence(agreement)),
        element(
            "div",
            _bars(
                f"{challenger} less {champion}{_unit(agreement['unit'])}",
                _bins(agreement["counts"]),
                agreement["rows"],
            ),
            _bars(f"What {champion} answered → {challenger}", agreement["changes"], agreement["rows"])
            if agreement["changes"]
            else None,
            class_="cards",
        ),
    )


def _sentence(agreement: Report) -> str:
    mean = agreement["mean_difference"]
    return (
        f"{percent(agreement['share'])} of {count(agreement['rows'])} rows got the same answer (between "
        f"{percent(agreement['low'])} and {percent(agreement['high'])}, 95 % sure). On average the new one is "
        f"{figure(mean * agreement['unit'] if mean is not None else None)} higher, "
        f"{figure(agreement['largest'] * agreement['unit'])} apart at most."
    )


def _unit(unit: float) -> str:
    return "" if unit == 1.0 else f", in units of {figure(unit)}"


def _bins(counts: list[int]) -> dict[str, int]:
    """Return counts by the bins' names, without empty ones at both ends."""
    ends = [figure(edge) for edge in EDGES.tolist()]
    names = [
        f"< {ends[0]}",
        *(f"{low} to {high}" for low, high in pairwise(ends)),
        f"> {ends[-1]}",
    ]
    filled = [index for index, number in enumerate(counts) if number]
    if not filled:
        return {}
    first, last = min(filled), max(filled)
    return dict(zip(names[first : last + 1], counts[first : last + 1], strict=True))


def _bars(title: str, counts: Mapping[str, int], rows: int) -> Markup | None:
    if not counts:
        return None
    highest = max(counts.values())
    drawn = [_bar(name, number, rows, highest, place) for place, (name, number) in enumerate(counts.items())]
    height = _ROW * len(drawn) + 4.0
    return element(
        "article",
        element("h3", title),
        element("svg", drawn, viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}", role="img"),
        class_="card",
    )


def _bar(name: str, number: int, rows: int, highest: int, place: int) -> list[Markup]:
    y = place * _ROW + 2.0
    width = (_WIDTH - _NAME - _NUMBERS) * number / highest
    return [
        element("text", shortened(name, _LABEL), x=_NAME - 6.0, y=y + 12.0, text_anchor="end", class_="name"),
        element("rect", x=_NAME, y=y, width=width, height=14.0, fill=AFTER_FILL, stroke=AFTER),
        element("text", percent(number / rows), x=_NAME + width + 6.0, y=y + 12.0, fill=FAINT),
    ]
