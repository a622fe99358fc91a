"""The report of a release as one HTML file, without scripts or anything to load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.ml.drift_page.distributions import draw_column
from headrace.ml.drift_page.timeline import Point, draw_timeline
from headrace.ml.pages.document import draw_facts, whole_document
from headrace.ml.pages.key import draw_key
from headrace.ml.pages.markup import LONGEST_NAME, Markup, element, joined, shortened
from headrace.ml.pages.table import draw_table
from headrace.ml.pages.words import count, figure, moment, percent
from headrace.ml.profile import Profile
from headrace.ml.release.agreement_page import draw_agreement

Report = Mapping[str, Any]

_HEADLINES = {
    "hold": "{new} goes on",
    "promote": "{new} takes over",
    "withdraw": "{old} stays, {new} is withdrawn",
}
_STATES = {"promote": "well", "withdraw": "drift"}
_STRATEGIES = {"canary": "canary", "linear": "linear", "shadow": "shadow", "ab": "A/B"}
_LOSSES = {
    "mistakes": "share of mistakes",
    "brier": "squared error of the probability (Brier)",
    "log_loss": "log loss, as a share of the largest",
}
_US_PER_MS = 1000.0

_ROWS = (
    ("requests read", "requests"),
    ("rows read", "rows"),
    ("unreadable records", "unreadable"),
    ("objects left out, too many", "left_out"),
    ("asked lately", "invocations"),
    ("errors lately", "errors"),
)
_LATENCIES = (("half answered within", "latency_p50_us"), ("99 of 100 within", "latency_p99_us"))


def render_release(report: Report, champion: Profile | None, challenger: Profile | None) -> str:
    """Return the page of one look at a release.

    Parameters
    ----------
    report : mapping
        The document of the look, its history included.
    champion, challenger : Profile or None
        Answers of the same hours; None without any.

    Returns
    -------
    str
        Below 200 KB.
    """
    headline = headline_of(report)
    body = joined(
        _head(report, headline),
        _facts(report),
        _comparison(report),
        draw_agreement(report.get("agreement"), report["against"], report["variant"]),
        _answers(report, champion, challenger),
        _models(report),
        _alarms(report["alarms"]),
    )
    return whole_document(f"{report['pipeline']}: {headline}", body)


def headline_of(report: Report) -> str:
    """Say in one line what was decided.

    Examples
    --------
    >>> headline_of({"decision": "withdraw", "variant": "v4", "against": "v3"})
    'v3 stays, v4 is withdrawn'
    """
    return _HEADLINES[report["decision"]].format(new=report["variant"], old=report["against"])


def _head(report: Report, headline: str) -> Markup:
    strategy = _STRATEGIES[report["strategy"]]
    about = f"{report['pipeline']}, {strategy} release of {report['variant']} beside {report['against']}"
    return element(
        "header",
        element("p", f"{about}, looked at {moment(report['judged_at'])} UTC", class_="of"),
        element("h1", headline),
        element("p", f"{report['why']}."),
        class_=f"verdict {_STATES.get(report['decision'], '')}".strip(),
    )


def _facts(report: Report) -> Markup:
    copies = "copied to" if report["strategy"] == "shadow" else "answered by"
    facts = {
        f"requests {copies} {report['variant']}": percent(report["share"]),
        "since (UTC)": moment(report["since"]),
        "looks": count(len(report["history"])),
        "ends at the latest (UTC)": moment(report["deadline"]),
    }
    if report["next_share"] is not None:
        facts["share from now on"] = percent(report["next_share"])
    return draw_facts(facts)


# --- which of both is better


def _comparison(report: Report) -> Markup | None:
    found = report["comparison"]
    if not found:
        return None
    what = _LOSSES.get(found["what"], found["what"].replace("_", " "))
    source = "Measured, by labels" if found["by"] == "labels" else "Estimated, without labels"
    return element(
        "section",
        element("h2", f"{source}: {what}"),
        element("p", _sentence(report, found)),
        element("p", _certainty(found), class_="note"),
        element(
            "div",
            draw_timeline(
                f"How much more {report['variant']} loses than {report['against']}",
                _differences(report),
                limit=0.0,
                each="look",
            ),
            class_="cards",
        ),
    )


def _sentence(report: Report, found: Report) -> str:
    if found["champion"] is None or found["challenger"] is None:
        return f"Too little is known yet: {found['requests'][0]} and {found['requests'][1]} requests."
    return (
        f"{report['against']}: {figure(found['champion'])}, {report['variant']}: {figure(found['challenger'])}; "
        f"from {found['requests'][0]} and {found['requests'][1]} {'requests' if found['by'] == 'labels' else 'rows'}."
    )


def _certainty(found: Report) -> str:
    sure = percent(1.0 - found["error"])
    if found["low"] is None:
        return f"It decides once it is {sure} sure, however often it is looked at."
    return (
        f"The difference is between {figure(found['low'])} and {figure(found['high'])}, {sure} sure at all looks "
        "together; above 0 is worse. It decides once 0 is outside."
    )


def _differences(report: Report) -> list[Point]:
    return [
        Point(
            look["judged_at"],
            report["variant"],
            (look["low"] + look["high"]) / 2.0,
            look["low"],
            look["high"],
            marked=not look["low"] <= 0.0 <= look["high"],
        )
        for look in report["history"]
        if look.get("low") is not None
    ]


# --- what both answer


def _answers(report: Report, champion: Profile | None, challenger: Profile | None) -> Markup:
    shift = report["shift"]
    limit = f", {figure(shift['limit'])} withdraws" if shift["limit"] is not None else ""
    verdict = {
        "shift": f"They are {figure(shift['size'])} standard deviations apart{limit}.",
        "no shift": f"They are {figure(shift['size'])} standard deviations apart as far as is sure{limit}.",
        "not enough data": f"Not enough data: {shift['rows'][0]} and {shift['rows'][1]} rows.",
    }[shift["verdict"]]
    points = [
        Point(look["judged_at"], report["variant"], float(look["shift"]))
        for look in report["history"]
        if look["shift"] is not None
    ]
    return element(
        "section",
        element("h2", "Answers of the same hours"),
        element("p", verdict),
        draw_key(f"{report['against']}, in service", f"{report['variant']}, new"),
        element(
            "div",
            _pictures(champion, challenger),
            draw_timeline(
                "How far answers are apart, in standard deviations", points, limit=shift["limit"], each="look"
            ),
            class_="cards",
        ),
    )


def _pictures(champion: Profile | None, challenger: Profile | None) -> list[Markup]:
    if champion is None or challenger is None:
        return []
    return [
        element(
            "article",
            element("h3", shortened(before.name, LONGEST_NAME)),
            draw_column(before, after),
            class_="card",
        )
        for before, after in zip(champion.features, challenger.features, strict=True)
    ]


# --- how both serve


def _models(report: Report) -> Markup:
    models = report["models"]["champion"], report["models"]["challenger"]
    rows = [(name, [_counted(model, field) for model in models]) for name, field in _ROWS]
    rows += [(name, [_latency(model, field) for model in models]) for name, field in _LATENCIES]
    start, end = report["counted"]["from"], report["counted"]["to"]
    note = f"What was asked lately, errors and latencies are as counted from {moment(start)} to {moment(end)} (UTC)."
    return draw_table("How both serve", ["", *(model["variant"] for model in models)], rows, note)


def _counted(model: Report, field: str) -> str:
    return count(model[field]) if field in model else "not counted"


def _latency(model: Report, field: str) -> str:
    return f"{figure(model[field] / _US_PER_MS)} ms" if field in model else "not counted"


def _alarms(alarms: Sequence[Report]) -> Markup | None:
    if not alarms:
        return None
    rows = [(alarm["name"], [alarm["state"], shortened(alarm["reason"], 200)]) for alarm in alarms]
    return draw_table("Alarms of the release", ["alarm", "state", "why"], rows)
