"""The two models of a page: how they are called, and in which colour each is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.ml.pages.key import draw_key
from headrace.ml.pages.markup import Markup
from headrace.ml.pages.style import AFTER, AFTER_FILL, BEFORE, BEFORE_FILL

NEW, OLD = "new model", "in service"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """How a model is called and drawn; the one in service is filled, so that they differ without colour too."""

    name: str
    colour: str
    fill: str
    width: float


LOOKS = {"champion": Look(OLD, BEFORE, BEFORE_FILL, 1.5), "challenger": Look(NEW, AFTER, AFTER_FILL, 2.0)}


def models_of(plot: Document) -> Iterator[tuple[Look, Any]]:
    """Yield what there is of each model; the one in service first, so that the new one is drawn above it."""
    for name, look in LOOKS.items():
        if plot.get(name) is not None:
            yield look, plot[name]


def key_of(plot: Document) -> Markup | None:
    """Return what the colours stand for, where there are both."""
    return draw_key(OLD, NEW) if len(list(models_of(plot))) > 1 else None


def value(number: Any) -> str:
    """Return a metric to four digits.

    Examples
    --------
    >>> value(0.92345), value(1234.5), value(None), value("roc_auc")
    ('0.9234', '1234', 'none', 'roc_auc')
    """
    if isinstance(number, bool) or not isinstance(number, int | float | None):
        return str(number)
    return "none" if number is None or not math.isfinite(number) else f"{number:.4g}"


def with_interval(measured: Any) -> str:
    """Return a metric, with its interval where that is known.

    Examples
    --------
    >>> with_interval({"value": 0.9, "low": 0.85, "high": 0.94}), with_interval({"value": 3.0, "low": None}), with_interval(2)
    ('0.9 (0.85 to 0.94)', '3', '2')
    """
    if not isinstance(measured, Mapping):
        return value(measured)
    low, high = measured.get("low"), measured.get("high")
    found = value(measured.get("value", measured.get("mean")))
    return found if low is None or high is None else f"{found} ({value(low)} to {value(high)})"
