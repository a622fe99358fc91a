"""What the two colours of pictures stand for."""

from __future__ import annotations

from headrace.ml.pages.markup import Markup, element
from headrace.ml.pages.style import AFTER, BEFORE, BEFORE_FILL


def draw_key(before: str, after: str) -> Markup:
    """Return what the two colours of a picture stand for."""

    def sample(**style: str | float) -> Markup:
        return element(
            "svg",
            element("rect", x=1.0, y=1.0, width=20.0, height=9.0, **style),
            viewBox="0 0 22 11",
            aria_hidden="true",
        )

    return element(
        "p",
        element("span", sample(fill=BEFORE_FILL, stroke=BEFORE), before),
        element("span", sample(fill="none", stroke=AFTER, stroke_width=2), after),
        class_="key",
    )
