"""What the last checks found, over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace.ml.pages.markup import Markup, element, joined
from headrace.ml.pages.style import AFTER, BEFORE, BEFORE_FILL, FAINT, LINE
from headrace.ml.pages.words import figure, moment

MOST_CHECKS = 30
_WIDTH, _HEIGHT = 340.0, 120.0
_LEFT, _RIGHT, _TOP, _FLOOR = 6.0, 334.0, 18.0, 98.0


@dataclass(frozen=True)
class Point:
    """One check.

    Parameters
    ----------
    time : str
        ISO 8601.
    variant : str
        The model that was in service.
    value : float
        What was found.
    low, high : float or None
        Its interval.
    marked : bool
        Whether it was past its limit.
    """

    time: str
    variant: str
    value: float
    low: float | None = None
    high: float | None = None
    marked: bool = False


def draw_timeline(
    title: str,
    points: Sequence[Point],
    *,
    limit: float | None = None,
    from_zero: bool = True,
    each: str = "check",
) -> Markup:
    """Return a card with a line over the last 30 points, a mark where another model came into service.

    Parameters
    ----------
    title : str
        What is shown.
    points : sequence of Point
        Oldest first.
    limit : float, optional
        Drawn as a line across.
    from_zero : bool
        Whether the axis begins at 0.
    each : str
        What a point is, in the singular.
    """
    shown = list(points)[-MOST_CHECKS:]
    if not shown:
        return Markup()
    low, high = _range(shown, limit, from_zero=from_zero)
    places = [(x, _y(point.value, low, high)) for x, point in zip(_places(shown), shown, strict=True)]
    return element(
        "div",
        element("h3", title),
        element(
            "svg",
            element("title", f"{title}, {_counted(len(shown), each)}, last {figure(shown[-1].value)}"),
            _limit(limit, low, high),
            _models(shown, places),
            _interval(shown, places, low, high),
            element(
                "polyline",
                points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places),
                fill="none",
                stroke=BEFORE,
                stroke_width=2,
            ),
            [_dot(point, place) for point, place in zip(shown, places, strict=True)],
            _ends(shown, low, high),
            viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
            role="img",
        ),
        class_="card",
    )


def quality_points(documents: Sequence[Mapping[str, Any]], how: str) -> list[Point]:
    """Return the metric that decides, of quality documents, as it was ``"estimated"`` or ``"measured"``.

    Examples
    --------
    >>> found = {"metric": "rmse", "value": 41.0, "dropped": False}
    >>> document = {"checked_at": "2026-01-31T11:00:04Z", "variant": "v3", "measured": {"comparison": found,
    ...     "metrics": {"rmse": {"value": 41.0, "low": 40.0, "high": 42.5}}}}
    >>> quality_points([document], "measured")[0].high
    42.5
    """
    points = []
    for document in documents:
        part = document.get(how) or {}
        found = part.get("comparison")
        if not found:
            continue
        measured = (part.get("metrics") or {}).get(found["metric"]) or {}
        points.append(
            Point(
                document["checked_at"],
                document["variant"],
                float(found["value"]),
                measured.get("low"),
                measured.get("high"),
                bool(found.get("dropped")),
            )
        )
    return points


def _counted(number: int, each: str) -> str:
    return f"{number} {each}" if number == 1 else f"{number} {each}s"


def _places(points: Sequence[Point]) -> list[float]:
    """Return where the times are, or even steps where they cannot be told apart."""
    times = [datetime.fromisoformat(point.time).timestamp() for point in points]
    first, last = times[0], times[-1]
    if not last > first:
        return [_RIGHT if index == len(points) - 1 else _LEFT for index in range(len(points))]
    return [
        _LEFT + (min(max(time, first), last) - first) / (last - first) * (_RIGHT - _LEFT) for time in times
    ]


def _range(points: Sequence[Point], limit: float | None, *, from_zero: bool) -> tuple[float, float]:
    ends = (
        point.value if end is None else float(end)
        for point in points
        for end in (point.low, point.value, point.high)
    )
    values = [*ends, *([] if limit is None else [limit]), *([0.0] if from_zero else [])]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))


def _y(value: float, low: float, high: float) -> float:
    return _FLOOR - (value - low) / (high - low) * (_FLOOR - _TOP)


def _dot(point: Point, place: tuple[float, float]) -> Markup:
    told = element("title", f"{moment(point.time)}, {point.variant}: {figure(point.value)}")
    x, y = place
    if point.marked:
        return element("path", told, d=f"M{x:.1f} {y - 5:.1f}l5 9h-10z", fill=AFTER)
    return element("circle", told, cx=x, cy=y, r=2.5, fill=BEFORE)


def _limit(limit: float | None, low: float, high: float) -> Markup | None:
    if limit is None:
        return None
    y = _y(limit, low, high)
    return joined(
        element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, stroke=AFTER, stroke_dasharray="4 3"),
        element("text", f"limit {figure(limit)}", x=_LEFT, y=y - 4 if y > _TOP + 8 else y + 12),
    )


def _models(points: Sequence[Point], places: Sequence[tuple[float, float]]) -> list[Markup]:
    return [
        joined(
            element("line", x1=x, x2=x, y1=_TOP - 4, y2=_FLOOR, stroke=FAINT, stroke_dasharray="1 3"),
            element(
                "text",
                new.variant,
                x=x + 3 if x < _RIGHT - 30 else x - 3,
                y=_FLOOR - 3,
                text_anchor="start" if x < _RIGHT - 30 else "end",
            ),
        )
        for old, new, (x, _) in zip(points, points[1:], places[1:], strict=False)
        if new.variant != old.variant
    ]


def _interval(
    points: Sequence[Point], places: Sequence[tuple[float, float]], low: float, high: float
) -> list[Markup]:
    return [
        element(
            "line",
            x1=x,
            x2=x,
            y1=_y(point.low, low, high),
            y2=_y(point.high, low, high),
            stroke=BEFORE_FILL,
            stroke_width=5,
        )
        for point, (x, _) in zip(points, places, strict=True)
        if point.low is not None and point.high is not None
    ]


def _ends(points: Sequence[Point], low: float, high: float) -> Markup:
    return joined(
        element("line", x1=_LEFT, x2=_RIGHT, y1=_FLOOR, y2=_FLOOR, stroke=LINE),
        element("text", f"{figure(low)} to {figure(high)}", x=_LEFT, y=10.0),
        element("text", moment(points[0].time), x=_LEFT, y=_FLOOR + 16),
        element("text", moment(points[-1].time), x=_RIGHT, y=_FLOOR + 16, text_anchor="end")
        if len(points) > 1
        else None,
    )
