"""One column before and after, drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.drift_page.shares import Shares, shares_of
from headrace.ml.pages.markup import Markup, element, joined, shortened
from headrace.ml.pages.style import AFTER, AFTER_FILL, BEFORE, BEFORE_FILL, FAINT, LINE
from headrace.ml.pages.words import figure, figures, percent
from headrace.ml.profile_column import ColumnProfile

WIDTH, HEIGHT = 340.0, 170.0
MOST_LEVELS = 8
_LEFT, _RIGHT, _TOP, _FLOOR = 4.0, 336.0, 16.0, 148.0
_ROW, _NAME = 26.0, 110.0
_LABEL = 17
_HALF_CHARACTER = 3.2
_SHORT_NAME = 60
_ROUNDING = 1e-6
_MOST_DIGITS = 36

Level = tuple[str, float, float]


def draw_column(before: ColumnProfile, after: ColumnProfile) -> Markup:
    """Return a picture of one column, and the share of its cells that are missing.

    Parameters
    ----------
    before, after : ColumnProfile
        Of the training data and of the window, in the same bins and levels.

    Returns
    -------
    Markup
        A picture if there is anything to see; in any case a sentence.
    """
    if not (before.present or after.present):
        return element("p", "No value in the training data, nor in the window.", class_="note")
    shares = shares_of(before, after)
    if shares is not None:
        picture = joined(_numbers(before, shares), _tails(shares))
    else:
        picture = _levels(before, levels_of(before, after))
    return joined(picture, _missing(before, after), _empty(before, after))


def levels_of(before: ColumnProfile, after: ColumnProfile) -> list[Level]:
    """Return the levels that say most, with their shares before and after: frequent ones and those that moved; then others.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> schema = [ColumnSchema("season", "category")]
    >>> old = profile_frame({"season": ["fall", "fall", "spring", "spring"]}, schema)
    >>> new = profile_frame({"season": ["fall", "moon"]}, schema, like=old)
    >>> levels_of(old.features[0], new.features[0])
    [('fall', 0.5, 0.5), ('spring', 0.5, 0.0), ('all others', 0.0, 0.5)]
    """
    if len(before.edges) or len(after.edges) or not len(before.levels):
        return _values(before, after)
    shares = [column.counts / max(1, column.present) for column in (before, after)]
    known = len(before.levels)
    weight = np.maximum(*(share[:known] for share in shares)) + np.abs(shares[1] - shares[0])[:known]
    chosen = np.sort(np.argsort(-weight, kind="stable")[:MOST_LEVELS])
    found = [(before.levels[index], float(shares[0][index]), float(shares[1][index])) for index in chosen]
    rest = [max(0.0, float(share.sum() - share[chosen].sum())) for share in shares]
    return [*found, ("all others", rest[0], rest[1])] if max(rest) > _ROUNDING else found


def _values(before: ColumnProfile, after: ColumnProfile) -> list[Level]:
    """Return the one number that each has as if it were a level, or what is counted without a known level."""
    if before.levels or after.levels or (before.mean is None and after.mean is None):
        return [("all values", float(bool(before.present)), float(bool(after.present)))]
    old, new = (figure(column.mean) if column.mean is not None else "" for column in (before, after))
    return [(name, float(name == old), float(name == new)) for name in dict.fromkeys((old, new)) if name]


def _numbers(column: ColumnProfile, shares: Shares) -> Markup:
    highest = float(max(shares.before.max(), shares.after.max())) or 1.0
    places = _LEFT + shares.scale.along(shares.points) * (_RIGHT - _LEFT)
    before, after = (_steps(places, part / highest) for part in (shares.before, shares.after))
    closed = f"{before} V{_FLOOR:.1f} H{places[0]:.1f} Z"
    return element(
        "svg",
        element("title", f"{shortened(column.name, _SHORT_NAME)}: shares of rows before and after"),
        element("path", d=closed, fill=BEFORE_FILL) if shares.before.any() else None,
        element("path", d=before, fill="none", stroke=BEFORE) if shares.before.any() else None,
        element("path", d=after, fill="none", stroke=AFTER, stroke_width=2) if shares.after.any() else None,
        element("line", x1=_LEFT, x2=_RIGHT, y1=_FLOOR, y2=_FLOOR, stroke=LINE),
        element("text", f"highest bar {percent(highest)} of rows", x=_LEFT, y=10.0),
        _ticks(shares),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
    )


def _steps(places: Floats, heights: Floats) -> str:
    """Return the path of bars' upper ends, from the floor to the floor."""
    path = [f"M{places[0]:.1f} {_FLOOR:.1f}"]
    last = ""
    for end, height in zip(places[1:], heights, strict=True):
        top = f"{_FLOOR - height * (_FLOOR - _TOP):.1f}"
        path.append(f"H{end:.1f}" if top == last else f"V{top}H{end:.1f}")
        last = top
    return "".join([*path, f"V{_FLOOR:.1f}"])


def _ticks(shares: Shares) -> list[Markup]:
    found = []
    ticks = shares.scale.ticks()
    if len("".join(figures(ticks))) > _MOST_DIGITS:
        ticks = [ticks[0], ticks[-1]]
    for tick, name in zip(ticks, figures(ticks), strict=True):
        x = _LEFT + float(shares.scale.along(np.array([tick]))[0]) * (_RIGHT - _LEFT)
        half = _HALF_CHARACTER * len(name)
        anchor = "start" if x - half < _LEFT else "end" if x + half > _RIGHT else "middle"
        found.append(element("line", x1=x, x2=x, y1=_FLOOR, y2=_FLOOR + 4, stroke=FAINT))
        found.append(element("text", name, x=x, y=_FLOOR + 16, text_anchor=anchor))
    return found


def _tails(shares: Shares) -> Markup | None:
    scale = shares.scale
    told = [
        f"up to {percent(share)} of rows {where} {figure(end)}"
        for share, where, end in (
            (shares.outside[0], "below", scale.low),
            (shares.outside[1], "above", scale.high),
        )
        if share > _ROUNDING
    ]
    axis = {"log": "Axis in powers of ten. ", "compressed": "Axis compressed towards its ends. "}.get(
        scale.kind, ""
    )
    beyond = f"Not shown: {', '.join(told)}." if told else ""
    return element("p", f"{axis}{beyond}", class_="note") if axis or beyond else None


def _levels(column: ColumnProfile, levels: Sequence[Level]) -> Markup:
    highest = max(max(before, after) for _, before, after in levels) or 1.0
    return element(
        "svg",
        element("title", f"{shortened(column.name, _SHORT_NAME)}: shares of rows before and after"),
        [_level(level, index * _ROW + 2.0, highest) for index, level in enumerate(levels)],
        viewBox=f"0 0 {WIDTH:.0f} {len(levels) * _ROW + 4:.0f}",
        role="img",
    )


def _level(level: Level, y: float, highest: float) -> list[Markup]:
    name, *shares = level
    room = WIDTH - _NAME - 46.0
    drawn = [
        element(
            "text",
            shortened(name, _LABEL),
            element("title", name[:200]),
            x=_NAME - 6,
            y=y + 14,
            text_anchor="end",
            class_="name",
        )
    ]
    for share, fill, stroke, below in (
        (shares[0], BEFORE_FILL, BEFORE, 0.0),
        (shares[1], AFTER_FILL, AFTER, 11.0),
    ):
        width = room * share / highest
        drawn.append(element("rect", x=_NAME, y=y + below, width=width, height=9.0, fill=fill, stroke=stroke))
        drawn.append(element("text", percent(share), x=_NAME + width + 5, y=y + below + 8.5))
    return drawn


def _missing(before: ColumnProfile, after: ColumnProfile) -> Markup | None:
    if not (before.missing or after.missing):
        return None
    shares = (
        percent(column.missing / column.rows) if column.rows else "no rows" for column in (before, after)
    )
    return element("p", f"Missing: {' → '.join(shares)}", class_="note")


def _empty(before: ColumnProfile, after: ColumnProfile) -> Markup | None:
    empty = [where for column, where in ((before, "training data"), (after, "window")) if not column.present]
    return element("p", f"No value in the {empty[0]}.", class_="note") if empty else None
