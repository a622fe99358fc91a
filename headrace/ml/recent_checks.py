"""The last checks in a few figures each: what a timeline is drawn from without reading their reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 100

_OF_DRIFT = ("checked_at", "report_key", "variant", "verdict", "drifted", "drifted_features", "score", "rows")
_OF_QUALITY = ("checked_at", "report_key", "variant", "dropped", "concept_drifted", "metric")


def with_check(history: Mapping[str, Any] | None, check: Mapping[str, Any]) -> dict[str, Any]:
    """Return a history with one check more, of at most 100, oldest first; one that was done again is there once.

    Parameters
    ----------
    history : mapping or None
        What an earlier call returned; None before the first.
    check : mapping
        With its ``report_key``.

    Examples
    --------
    >>> first = with_check(None, {"report_key": "a", "rows": 1})
    >>> with_check(with_check(first, {"report_key": "b"}), {"report_key": "b", "rows": 2})["checks"]
    [{'report_key': 'a', 'rows': 1}, {'report_key': 'b', 'rows': 2}]
    """
    before = [
        known for known in (history or {}).get("checks", ()) if known["report_key"] != check["report_key"]
    ]
    return {"checks": [*before, dict(check)][-MOST:]}


def drift_in_short(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a history keeps of a drift report."""
    return {name: report[name] for name in _OF_DRIFT}


def quality_in_short(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a history keeps of a quality report: the metric that decides, with its interval, of all rows."""
    return {name: report[name] for name in _OF_QUALITY} | {
        how: _decisive(report[how]) for how in ("estimated", "measured")
    }


def _decisive(part: Mapping[str, Any]) -> dict[str, Any]:
    found = part["comparison"]
    metrics = {found["metric"]: part["metrics"][found["metric"]]} if found else {}
    return {"rows": part["rows"], "verdict": part["verdict"], "comparison": found, "metrics": metrics}
