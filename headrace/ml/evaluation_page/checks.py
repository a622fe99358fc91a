"""What was looked at beyond quality: labels one by one, the threshold, leaks, groups of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.ml.evaluation.entries import named_entries
from headrace.ml.evaluation_page.models import value, with_interval
from headrace.ml.pages.document import draw_facts
from headrace.ml.pages.markup import LONGEST_NAME, Markup, element, shortened
from headrace.ml.pages.table import draw_rows, draw_table
from headrace.ml.pages.words import count

_MOST_ROWS = 40
_LONGEST_TEXT = 400
_SHORT_NAME = 24
_MOST_NAMED = 5

Document = Mapping[str, Any]


def draw_labels(evaluation: Document) -> Markup | None:
    """Return the metrics of each label."""
    found = named_entries(evaluation.get("per_class"))
    if not found:
        return None
    return draw_table("Label by label", *_columns("label", found))


def draw_threshold(evaluation: Document) -> Markup | None:
    """Return from which probability on a row is answered with the positive label, and what that is worth."""
    threshold = evaluation.get("threshold") or {}
    if threshold.get("value") is None:
        return None
    facts = {
        "positive from (95 %)": with_interval(threshold),
        "chosen by": str(threshold.get("by") or "default"),
        "chosen on": _rows_of(threshold.get("chosen_on")),
    }
    columns = {"at this threshold": "metrics", "at 0.5": "metrics_at_half"}
    known = {title: _with_objective(threshold, key) for title, key in columns.items() if threshold.get(key)}
    names = dict.fromkeys(name for found in known.values() for name in found)
    rows = [(name, [with_interval(found.get(name)) for found in known.values()]) for name in names]
    return element(
        "section",
        element("h2", "Threshold"),
        draw_facts(facts),
        draw_rows(["metric, on unseen rows", *known], rows) if rows else None,
    )


def draw_leakage(evaluation: Document) -> Markup | None:
    """Return what may have told the model the answer."""
    if "leakage" not in evaluation:
        return None
    findings = evaluation["leakage"] or []
    told = [element("li", shortened(_finding(finding), _LONGEST_TEXT)) for finding in findings[:_MOST_ROWS]]
    return element(
        "section",
        element("h2", "Leakage"),
        element("ul", told) if told else element("p", "Nothing was found that gives the answer away."),
        _more(len(findings)),
    )


def draw_fairness(evaluation: Document) -> list[Markup]:
    """Return how groups of rows are treated, a table for each column that was declared."""
    return [_groups(column, found) for column, found in (evaluation.get("fairness") or {}).items()]


def _groups(column: str, found: Document) -> Markup:
    groups = named_entries(found.get("groups"))
    gaps = [(name, _gap(gap)) for name, gap in (found.get("gaps") or {}).items() if isinstance(gap, Mapping)]
    return element(
        "section",
        element("h2", f"Groups by {shortened(column, LONGEST_NAME)}"),
        draw_rows(["gap", "largest (95 %)", "lowest", "highest", "too small to count"], gaps)
        if gaps
        else None,
        draw_rows(*_columns("group", groups)[:2]) if groups else None,
        _more(len(groups)),
    )


def _gap(gap: Document) -> list[str]:
    """Return how far groups are apart, which two, and which have too few rows to count.

    Examples
    --------
    >>> _gap({"value": 0.04, "low": 0.01, "high": 0.09, "lowest": "f", "highest": "m", "left_out": ["x"]})
    ['0.04 (0.01 to 0.09)', 'f', 'm', 'x']
    """
    ends = [shortened(str(gap.get(name) or ""), _SHORT_NAME) for name in ("lowest", "highest")]
    small = [shortened(str(name), _SHORT_NAME) for name in gap.get("left_out") or ()]
    more = f" and {len(small) - _MOST_NAMED} more" if len(small) > _MOST_NAMED else ""
    return [with_interval(gap), *ends, ", ".join(small[:_MOST_NAMED]) + more]


def _with_objective(threshold: Document, key: str) -> dict[str, Any]:
    """Return metrics at a threshold, after what it was chosen by."""
    objective = threshold.get(key.replace("metrics", "objective"))
    told = {} if objective is None else {f"{threshold.get('by')} (decides)": objective}
    return {**told, **threshold[key]}


def _rows_of(part: Any) -> str:
    """Say which rows a threshold was chosen on.

    Examples
    --------
    >>> _rows_of({"part": "validation", "rows": 360, "positive": 90}), _rows_of("validation")
    ('360 validation rows', 'validation rows')
    """
    if isinstance(part, Mapping):
        return f"{count(part.get('rows') or 0)} {part.get('part')} rows"
    return f"{part} rows" if part else "no rows"


def _finding(finding: Any) -> str:
    """Say what was found, in its own words where it has some."""
    if not isinstance(finding, Mapping):
        return str(finding)
    for name in ("sentence", "summary", "why", "message"):
        if finding.get(name):
            return str(finding[name])
    return ", ".join(f"{name}: {value(each)}" for name, each in finding.items())


def _columns(
    what: str, entries: Mapping[str, Document]
) -> tuple[list[str], list[tuple[str, list[str]]], str | None]:
    """Return the table of what is known of each entry: its columns, its rows, and a note if there are more."""
    names = list(dict.fromkeys(name for entry in entries.values() for name in entry))
    rows = [
        (
            shortened(title, LONGEST_NAME),
            [_cell(name, entry[name]) if name in entry else "" for name in names],
        )
        for title, entry in list(entries.items())[:_MOST_ROWS]
    ]
    more = len(entries) - len(rows)
    return [what, *names], rows, f"and {more} more" if more > 0 else None


def _cell(name: str, found: Any) -> str:
    if name in ("rows", "support") and isinstance(found, int | float):
        return count(found)
    return with_interval(found)


def _more(entries: int) -> Markup | None:
    return element("p", f"and {entries - _MOST_ROWS} more", class_="note") if entries > _MOST_ROWS else None
