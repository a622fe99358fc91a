"""Plots with two axes, and what is drawn in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from headrace.ml.pages.markup import Markup, Part, element
from headrace.ml.pages.scale import Scale
from headrace.ml.pages.style import FAINT, LINE
from headrace.ml.pages.words import figures

WIDTH, _HEIGHT = 340.0, 248.0
_LEFT, _RIGHT, _TOP, _FLOOR = 50.0, 330.0, 10.0, 204.0
_HALF_CHARACTER = 3.0
_MOST_DIGITS = 34

Pair = Sequence[float]


@dataclass(frozen=True)
class Plane:
    """Two axes and their names."""

    x: Scale
    y: Scale
    x_name: str
    y_name: str

    def across(self, x: float) -> float:
        """Return where a value of the horizontal axis is drawn."""
        return _LEFT + float(self.x.along(np.array([x]))[0]) * (_RIGHT - _LEFT)

    def up(self, y: float) -> float:
        """Return where a value of the vertical axis is drawn."""
        return _FLOOR - float(self.y.along(np.array([y]))[0]) * (_FLOOR - _TOP)

    def path(self, points: Sequence[Pair]) -> str:
        """Return points as SVG takes them."""
        return " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in points)


def span(values: Sequence[float], *, zero: bool = False) -> Scale:
    """Return an axis on which all values can be seen.

    Examples
    --------
    >>> span([3.0, 5.0]), span([2.0], zero=True).low, span([]).high
    (Scale(low=3.0, high=5.0, kind='linear', unit=1.0), 0.0, 1.0)
    """
    found = [float(value) for value in values if math.isfinite(value)] + ([0.0] if zero else [])
    if not found:
        return Scale(0.0, 1.0)
    low, high = min(found), max(found)
    if high > low:
        return Scale(low, high)
    half = abs(low) / 2 or 0.5
    return Scale(low - half, low + half)


UNIT = Scale(0.0, 1.0)


def draw_plot(
    title: str, plane: Plane, *marks: Part, note: str | None = None, key: Markup | None = None
) -> Markup:
    """Return a card with a plot.

    Parameters
    ----------
    title : str
        Above it.
    plane : Plane
        Its axes.
    *marks : Markup
        What is in it.
    note : str, optional
        Below it.
    key : Markup, optional
        What its colours stand for.
    """
    return element(
        "article",
        element("h3", title),
        key,
        element(
            "svg",
            element("title", title),
            _across(plane),
            _upwards(plane),
            marks,
            viewBox=f"0 0 {WIDTH:.0f} {_HEIGHT:.0f}",
            role="img",
        ),
        element("p", note, class_="note") if note else None,
        class_="card",
    )


def line(
    plane: Plane, points: Sequence[Pair], colour: str, *, width: float = 1.5, dash: str | None = None
) -> Markup:
    """Return a line through points."""
    return element(
        "polyline",
        points=plane.path(points),
        fill="none",
        stroke=colour,
        stroke_width=width,
        stroke_dasharray=dash,
    )


def area(plane: Plane, lower: Sequence[Pair], upper: Sequence[Pair], fill: str) -> Markup:
    """Return what is between two lines."""
    return element("polygon", points=plane.path([*lower, *reversed(upper)]), fill=fill)


def diagonal(plane: Plane) -> Markup:
    """Return the line on which both axes have the same value."""
    low, high = max(plane.x.low, plane.y.low), min(plane.x.high, plane.y.high)
    return line(plane, [(low, low), (high, high)], FAINT, width=1.0, dash="3 3") if low < high else Markup()


def upright(plane: Plane, x: float, colour: str) -> Markup:
    """Return a line at one value of the horizontal axis."""
    return line(plane, [(x, plane.y.low), (x, plane.y.high)], colour, width=1.0, dash="4 3")


def steps(
    plane: Plane, edges: Sequence[float], heights: Sequence[float], stroke: str, fill: str = "none"
) -> Markup:
    """Return the bars of a histogram."""
    points = [(edges[0], plane.y.low)]
    for (start, end), height in zip(pairwise(edges), heights, strict=True):
        points += [(start, height), (end, height)]
    return element(
        "polyline",
        points=plane.path([*points, (edges[-1], plane.y.low)]),
        fill=fill,
        stroke=stroke,
        stroke_width=1.0 if fill != "none" else 2.0,
    )


def dots(plane: Plane, points: Sequence[tuple[float, float, float, float, str]], colour: str) -> list[Markup]:
    """Return points with intervals: across, up, from, to, and what they say."""
    return [
        element(
            "g",
            element("title", told),
            element(
                "line",
                x1=plane.across(x),
                x2=plane.across(x),
                y1=plane.up(low),
                y2=plane.up(high),
                stroke=colour,
                stroke_width=1.0,
            ),
            element("circle", cx=plane.across(x), cy=plane.up(y), r=2.5, fill=colour),
        )
        for x, y, low, high, told in points
    ]


def _across(plane: Plane) -> list[Markup]:
    found = [element("line", x1=_LEFT, x2=_RIGHT, y1=_FLOOR, y2=_FLOOR, stroke=LINE)]
    ticks = plane.x.ticks()
    if len("".join(figures(ticks))) > _MOST_DIGITS:
        ticks = [ticks[0], ticks[-1]]
    for tick, name in zip(ticks, figures(ticks), strict=True):
        x, half = plane.across(tick), _HALF_CHARACTER * len(name)
        anchor = "start" if x - half < 0 else "end" if x + half > WIDTH else "middle"
        found.append(element("line", x1=x, x2=x, y1=_FLOOR, y2=_FLOOR + 4, stroke=FAINT))
        found.append(element("text", name, x=x, y=_FLOOR + 16, text_anchor=anchor))
    middle = (_LEFT + _RIGHT) / 2
    return [*found, element("text", plane.x_name, x=middle, y=_FLOOR + 36, text_anchor="middle")]


def _upwards(plane: Plane) -> list[Markup]:
    found = []
    ticks = plane.y.ticks()
    for tick, name in zip(ticks, figures(ticks), strict=True):
        y = plane.up(tick)
        found.append(element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, stroke=LINE, stroke_width=0.5))
        found.append(element("text", name, x=_LEFT - 5, y=y + 4, text_anchor="end"))
    middle = (_TOP + _FLOOR) / 2
    named = element("text", plane.y_name, x=-middle, y=11.0, text_anchor="middle", transform="rotate(-90)")
    return [*found, named]
