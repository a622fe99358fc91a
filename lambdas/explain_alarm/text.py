"""The words of an alarm. Pure: the reports, the clock and everything known are arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN = 5
_SUBJECT_LIMIT = 100
"""SNS allows 100 characters of ASCII."""


@dataclass(frozen=True)
class Finding:
    """One thing that an alarm is about.

    Parameters
    ----------
    headline : str
        A few words for the subject.
    says : str
        One sentence.
    lines : tuple of str
        What was found, one fact each: from, to, how sure.
    next_step : str
        What happens next, one sentence.
    look : tuple of (str, str)
        What to look at, and where it is.
    """

    headline: str
    says: str
    next_step: str
    lines: tuple[str, ...] = ()
    look: tuple[tuple[str, str], ...] = ()


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


def explain(pipeline: str, findings: Sequence[Finding], dashboard: str) -> Explanation:
    """Put everything that one page is about into one message, the first finding in its subject.

    Parameters
    ----------
    pipeline : str
        Whose alarms these are.
    findings : sequence of Finding
        At least one, the most telling first.
    dashboard : str
        Its address.

    Examples
    --------
    >>> found = Finding("drift in temp", "What callers ask has changed.", "retraining starts now.",
    ...                 ("temp: mean 0.20 -> 0.56 (sure: p < 1e-16)",), (("Report", "s3://b/drift/x.json"),))
    >>> explanation = explain("bike", [found], "https://console")
    >>> explanation.subject
    'Headrace bike: drift in temp'
    >>> print(explanation.text)
    What callers ask has changed.
    <BLANKLINE>
    * temp: mean 0.20 -> 0.56 (sure: p < 1e-16)
    <BLANKLINE>
    Next: retraining starts now.
    Report: s3://b/drift/x.json
    <BLANKLINE>
    Dashboard: https://console
    <BLANKLINE>
    """
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    subject = _subject(f"Headrace {pipeline}: {findings[0].headline}{more}")
    parts = [*(_section(finding) for finding in findings), f"Dashboard: {dashboard}\n"]
    return Explanation(subject, "\n\n".join(parts))


def over(pipeline: str, says: str, dashboard: str) -> Explanation:
    """Say that what a page was about is over.

    Examples
    --------
    >>> over("bike", "Headrace bike: the endpoint does not answer as it should.", "https://console").subject
    'Headrace bike: over: the endpoint does not answer as it should'
    """
    what = _without_name(pipeline, says).rstrip(".")
    text = f"Over: {what}. None of its alarms is on any more.\n\nDashboard: {dashboard}\n"
    return Explanation(_subject(f"Headrace {pipeline}: over: {what}"), text)


def described(pipeline: str, description: str, reason: str) -> Finding:
    """Tell of an alarm in the words of its own description: what happened, where to look, what is next.

    Examples
    --------
    >>> found = described("bike", "Headrace bike: the check has failed. Look: its log. Next: the next run.", "1 of 1.")
    >>> found.headline, found.next_step, found.look
    ('the check has failed', 'the next run.', (('Look', 'its log.'),))
    """
    says, _, rest = _without_name(pipeline, description).partition(" Look: ")
    look, _, next_step = rest.partition(" Next: ")
    return Finding(
        headline=says.rstrip("."),
        says=f"{says[:1].upper()}{says[1:]}",
        lines=(reason,) if reason else (),
        next_step=next_step or "nothing by itself.",
        look=(("Look", look),) if look else (),
    )


def drifted(report: Mapping[str, Any], next_step: str, look: Sequence[tuple[str, str]]) -> Finding:
    """Name the features that drifted, from what to what, and how sure that is.

    Parameters
    ----------
    report : mapping
        The report of the drift check.
    """
    names, summary = list(report["drifted_features"]), list(report["summary"])
    more = [f"and {len(summary) - _SHOWN} more in the report"] if len(summary) > _SHOWN else []
    window = report["window"]
    return Finding(
        headline=f"drift in {', '.join(names)}" if names else "features go together in another way",
        says=f"What callers ask model {report['variant']} of {report['pipeline']} "
        "no longer looks like what it was trained on.",
        lines=(
            *summary[:_SHOWN],
            *more,
            f"window: {report['rows']} rows, {window['from']} to {window['to']}",
        ),
        next_step=next_step,
        look=tuple(look),
    )


def _section(finding: Finding) -> str:
    lines = [f"* {line}" for line in finding.lines]
    return "\n".join(
        [
            finding.says,
            "",
            *lines,
            *([""] if lines else []),
            f"Next: {finding.next_step}",
            *[f"{what}: {where}" for what, where in finding.look],
        ]
    )


def _without_name(pipeline: str, description: str) -> str:
    return description.removeprefix(f"Headrace {pipeline}: ")


def _subject(line: str) -> str:
    ascii_only = "".join(character if " " <= character <= "~" else "?" for character in line)
    return ascii_only if len(ascii_only) <= _SUBJECT_LIMIT else f"{ascii_only[: _SUBJECT_LIMIT - 3]}..."
