"""What every page is made of: the file around it, and the list of facts at its top."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.ml.pages.markup import Markup, Part, element
from headrace.ml.pages.style import STYLE


def whole_document(title: str, body: Part) -> str:
    r"""Return a page as one HTML file, without scripts or anything to load.

    Examples
    --------
    >>> whole_document("bike: no drift", element("h1", "No drift"))[:45]
    '<!doctype html>\n<html lang="en"><head><meta c'
    """
    document = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("style", Markup(STYLE)),
        ),
        element("body", element("main", body)),
        lang="en",
    )
    return f"<!doctype html>\n{document}\n"


def draw_facts(facts: Mapping[str, str]) -> Markup:
    """Return facts by their names.

    Examples
    --------
    >>> draw_facts({"rows compared": "400"})
    '<dl><div><dt>rows compared</dt><dd>400</dd></div></dl>'
    """
    return element(
        "dl", [element("div", element("dt", name), element("dd", fact)) for name, fact in facts.items()]
    )
