"""Puts the page together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.ml.drift_page.pictures import draw_pictures
from headrace.ml.drift_page.ranking import LONGEST_SUMMARY, draw_ranking
from headrace.ml.drift_page.timeline import Point, draw_timeline, quality_points
from headrace.ml.pages.document import draw_facts, whole_document
from headrace.ml.pages.markup import LONGEST_NAME, Markup, element, joined, shortened
from headrace.ml.pages.words import chance, count, figure, listed, moment
from headrace.ml.profile import Profile

Report = Mapping[str, Any]


def render_page(
    report: Report,
    reference: Profile,
    window: Profile,
    *,
    checks: Sequence[Report] = (),
    quality: Sequence[Report] = (),
    next_step: str = "",
    look: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the report of a drift check as one HTML file, without scripts or anything to load.

    Parameters
    ----------
    report : mapping
        The document of the check.
    reference, window : Profile
        What was compared.
    checks : sequence of mapping
        Reports of the last checks, or their ``checked_at``, ``variant``, ``score``, ``rows``, ``drifted`` and
        ``drifted_features``; oldest first, this one last.
    quality : sequence of mapping
        Documents of the last quality checks, oldest first.
    next_step : str
        What happens next, a sentence.
    look : sequence of (str, str)
        What else to look at, and where it is.

    Returns
    -------
    str
        Below 300 KB; of very many columns the first 12 are drawn and the first 200 are listed.
    """
    headline = headline_of(report)
    body = joined(
        _head(report, headline),
        _next(next_step, look),
        _facts(report),
        _joint(report.get("joint")),
        _ranking(report),
        draw_pictures(report, reference, window),
        _checks(checks),
        _quality(quality),
    )
    return whole_document(f"{report['pipeline']}: {headline}", body)


def headline_of(report: Report) -> str:
    """Say in one line what a check found.

    Examples
    --------
    >>> columns = [{"name": "temp", "drifted": True}, {"name": "hum", "drifted": False}]
    >>> headline_of({"verdict": "drift", "features": columns})
    'Drift in 1 of 2 columns: temp'
    """
    names = [
        shortened(str(feature["name"]), LONGEST_NAME) for feature in report["features"] if feature["drifted"]
    ]
    columns = len(report["features"])
    joint = report.get("joint") or {}
    together = (
        f"{listed([shortened(str(name), LONGEST_NAME) for name in joint['pair']])} no longer go together"
        if joint.get("drifted")
        else ""
    )
    if names:
        return (
            f"Drift in {len(names)} of {columns} columns: {listed(names)}{'; ' if together else ''}{together}"
        )
    if together:
        return f"Drift: {together}"
    return (
        "Not enough data for a verdict"
        if report["verdict"] == "not enough data"
        else f"No drift in {columns} columns"
    )


def _head(report: Report, headline: str) -> Markup:
    state = {"drift": "drift", "no drift": "well"}.get(report["verdict"], "")
    told = [shortened(str(line), LONGEST_SUMMARY + LONGEST_NAME) for line in report["summary"][:5]]
    more = len(report["summary"]) - len(told)
    return element(
        "header",
        element(
            "p",
            f"{report['pipeline']}, model {report['variant']}, checked {moment(report['checked_at'])} UTC",
            class_="of",
        ),
        element("h1", headline),
        [element("p", line) for line in told],
        element("p", f"and {more} more below", class_="note") if more > 0 else None,
        class_=f"verdict {state}".strip(),
    )


def _next(next_step: str, look: Sequence[tuple[str, str]]) -> Markup | None:
    if not (next_step or look):
        return None
    return element(
        "div",
        element("p", element("b", "Next: "), next_step) if next_step else None,
        [element("p", f"{what}: ", element("code", where)) for what, where in look],
        class_="next",
    )


def _facts(report: Report) -> Markup:
    window = report["window"]
    facts = {
        "rows compared": count(report["rows"]),
        "first request (UTC)": moment(window["from"]),
        "last request (UTC)": moment(window["to"]),
        "requests": count(report.get("requests", 0)),
        "unreadable": count(report.get("unreadable", 0)),
        "delivered twice": count(report.get("duplicates", 0)),
    }
    return draw_facts(facts)


def _joint(joint: Report | None) -> Markup | None:
    if not joint or "pair" not in joint:
        return None
    pair = listed([shortened(str(name), LONGEST_NAME) for name in joint["pair"]])
    verdict = "no longer go together as they did" if joint["drifted"] else "go together as they did"
    return element(
        "section",
        element("h2", "Columns together"),
        element("p", element("b", pair), f" {verdict}: {shortened(str(joint['summary']), LONGEST_SUMMARY)}"),
        element(
            "p",
            f"Of all pairs this one changed most, by {figure(joint['effect'])} ({figure(joint['floor'])} counts), "
            f"p {chance(joint['p_value'])} (limit {chance(joint['threshold'])}).",
            class_="note",
        ),
    )


def _ranking(report: Report) -> Markup | None:
    if not report["features"]:
        return None
    return element(
        "section", element("h2", "Columns by how far they moved"), draw_ranking(report["features"])
    )


def _checks(checks: Sequence[Report]) -> Markup | None:
    if not checks:
        return None

    def line(value: Any) -> list[Point]:
        return [
            Point(check["checked_at"], check["variant"], float(value(check)), marked=bool(check["drifted"]))
            for check in checks
        ]

    return element(
        "section",
        element("h2", "The last checks"),
        element(
            "p",
            "\N{BLACK UP-POINTING TRIANGLE} is a check that found drift; a dotted line, another model in service.",
            class_="note",
        ),
        element(
            "div",
            draw_timeline(
                "Largest move, in units of the least that counts",
                line(lambda check: check["score"]),
                limit=1.0,
            ),
            draw_timeline("Columns that drifted", line(lambda check: len(check["drifted_features"]))),
            draw_timeline("Rows compared", line(lambda check: check["rows"])),
            class_="cards",
        ),
    )


def _quality(documents: Sequence[Report]) -> Markup | None:
    metric = documents[-1].get("metric") if documents else None
    lines = {
        "Estimated, without labels": quality_points(documents, "estimated"),
        "Measured, by labels": quality_points(documents, "measured"),
    }
    if not any(lines.values()):
        return None
    return element(
        "section",
        element("h2", f"Quality ({metric})"),
        element(
            "p",
            "With intervals of 95 %. \N{BLACK UP-POINTING TRIANGLE} is a drop that counts.",
            class_="note",
        ),
        element(
            "div",
            [draw_timeline(title, points, from_zero=False) for title, points in lines.items()],
            class_="cards",
        ),
    )
