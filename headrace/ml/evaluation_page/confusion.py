"""A confusion table, drawn: the darker, the more of a true label's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.ml.pages.markup import LONGEST_NAME, Markup, element, shortened
from headrace.ml.pages.style import BEFORE
from headrace.ml.pages.words import count, percent

_LEFT, _TOP, _SIDE, _OVERHANG = 88.0, 76.0, 216.0, 36.0
_LABEL = 12
_ROOM_FOR_FIGURES = 16.0
_DARK = 0.55

Document = Mapping[str, Any]


def draw_confusion(name: str, table: Document) -> Markup:
    """Return a card with the table of one model: a row for each true label, a column for each answer."""
    labels, counts = [str(label) for label in table["labels"]], table["counts"]
    cell = _SIDE / len(labels)
    return element(
        "article",
        element("h3", f"Confusion, {name}"),
        element(
            "svg",
            element("title", f"Confusion, {name}"),
            [_row(labels, place, row, cell) for place, row in enumerate(counts)],
            [_head(label, place, cell) for place, label in enumerate(labels)],
            element("text", "answered →", x=_LEFT - 6, y=_TOP - 20, text_anchor="end"),
            element("text", "true ↓", x=_LEFT - 6, y=_TOP - 5, text_anchor="end"),
            viewBox=f"0 0 {_LEFT + _SIDE + _OVERHANG:.0f} {_TOP + _SIDE + 4:.0f}",
            role="img",
        ),
        class_="card",
    )


def _row(labels: Sequence[str], place: int, row: Sequence[int], cell: float) -> list[Markup]:
    rows, y = sum(row), _TOP + place * cell
    named = element(
        "text",
        shortened(labels[place], _LABEL),
        element("title", shortened(labels[place], LONGEST_NAME)),
        x=_LEFT - 6,
        y=y + cell / 2 + 4,
        text_anchor="end",
        class_="name",
    )
    return [named, *(_cell(labels, place, column, number, rows, cell) for column, number in enumerate(row))]


def _cell(labels: Sequence[str], row: int, column: int, number: int, rows: int, cell: float) -> Markup:
    share = number / rows if rows else 0.0
    x, y = _LEFT + column * cell, _TOP + row * cell
    told = (
        f"true {shortened(labels[row], LONGEST_NAME)}, answered {shortened(labels[column], LONGEST_NAME)}: "
        f"{count(number)} of {count(rows)} rows, {percent(share)}"
    )
    figure = element(
        "text",
        f"{100 * share:.0f}",
        x=x + cell / 2,
        y=y + cell / 2 + 4,
        text_anchor="middle",
        class_="name",
        style="fill:#fff" if share > _DARK else None,
    )
    return element(
        "g",
        element("title", told),
        element(
            "rect",
            x=x,
            y=y,
            width=cell - 1,
            height=cell - 1,
            fill=BEFORE,
            fill_opacity=f"{0.04 + 0.96 * share:.2f}",
        ),
        figure if cell > _ROOM_FOR_FIGURES and number else None,
    )


def _head(label: str, place: int, cell: float) -> Markup:
    x = _LEFT + (place + 0.5) * cell + 4
    return element(
        "text",
        shortened(label, _LABEL),
        x=x,
        y=_TOP - 5,
        transform=f"rotate(-60 {x:.1f} {_TOP - 5:.1f})",
        class_="name",
    )
