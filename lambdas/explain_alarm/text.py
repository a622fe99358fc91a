"""The words of a drift alarm. Pure: the report, the clock and everything known are arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SHOWN = 5
_SUBJECT_LIMIT = 100
"""SNS allows 100 characters of ASCII."""


@dataclass(frozen=True)
class Links:
    """Where to look: the dashboard's address, the report's place in S3."""

    dashboard: str
    report: str


@dataclass(frozen=True)
class Explanation:
    """What a person is told.

    Parameters
    ----------
    subject : str
        One line of ASCII, at most 100 characters.
    text : str
        The message.
    """

    subject: str
    text: str


def explain(report: Mapping[str, Any], next_step: str, links: Links) -> Explanation:
    """Name the features that drifted, from what to what, how sure that is, what happens next, where to look.

    Parameters
    ----------
    report : mapping
        The report of the drift check.
    next_step : str
        One sentence on the retraining.
    links : Links
        Where to look.

    Examples
    --------
    >>> report = {"pipeline": "bike", "variant": "v1", "rows": 1488, "checked_at": "2026-01-31T11:00:04Z",
    ...           "window": {"from": "2026-01-31T10:00:00Z", "to": "2026-01-31T11:00:00Z"},
    ...           "drifted_features": ["temp"], "summary": ["temp: mean 0.20 -> 0.56 (sure: p < 1e-16)"]}
    >>> explanation = explain(report, "Retraining has started.", Links("https://console", "s3://b/drift/x.json"))
    >>> explanation.subject
    'Headrace bike: drift in temp'
    >>> print(explanation.text)
    What callers ask model v1 of bike no longer looks like what it was trained on.
    <BLANKLINE>
    * temp: mean 0.20 -> 0.56 (sure: p < 1e-16)
    <BLANKLINE>
    Window: 1488 rows, 2026-01-31T10:00:00Z to 2026-01-31T11:00:00Z.
    Next: Retraining has started.
    Dashboard: https://console
    Report: s3://b/drift/x.json
    <BLANKLINE>
    """
    names = list(report["drifted_features"])
    lines = list(report["summary"])
    more = [f"* and {len(lines) - _SHOWN} more in the report"] if len(lines) > _SHOWN else []
    text = "\n".join(
        [
            f"What callers ask model {report['variant']} of {report['pipeline']} "
            "no longer looks like what it was trained on.",
            "",
            *[f"* {line}" for line in lines[:_SHOWN]],
            *more,
            "",
            f"Window: {report['rows']} rows, {report['window']['from']} to {report['window']['to']}.",
            f"Next: {next_step}",
            f"Dashboard: {links.dashboard}",
            f"Report: {links.report}",
            "",
        ]
    )
    return Explanation(_subject(f"Headrace {report['pipeline']}: drift in {', '.join(names)}"), text)


def _subject(line: str) -> str:
    ascii_only = "".join(character if " " <= character <= "~" else "?" for character in line)
    return ascii_only if len(ascii_only) <= _SUBJECT_LIMIT else f"{ascii_only[: _SUBJECT_LIMIT - 3]}..."
