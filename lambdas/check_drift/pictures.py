"""Draws what a check found, on a page beside its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from headrace.aws.logs import function_logger
from headrace.config.pipeline import Pipeline
from headrace.ml.drift_page.page import render_page
from headrace.ml.profile import Profile

logger = function_logger(child=True)

QUALITY_HISTORY = "quality/history.json"
_TYPE = "text/html; charset=utf-8"


class Pages(Protocol):
    """What this needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> None:
        """Write bytes."""
        ...


class Counters(Protocol):
    """What this needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit values."""
        ...


def draw_page(
    pipeline: Pipeline,
    report: Mapping[str, Any],
    profiles: tuple[Profile, Profile],
    history: Mapping[str, Any],
    pages: Pages,
    metrics: Counters,
) -> str | None:
    """Write the page of a report and return its key; None if it cannot be drawn, which never stops the check.

    Parameters
    ----------
    pipeline : Pipeline
        Says what happens next.
    report : mapping
        The document of the check.
    profiles : tuple of Profile
        Of the training data, and of the window.
    history : mapping
        The last checks, this one the last.
    """
    key = f"{report['report_key'].removesuffix('.json')}.html"
    try:
        page = render_page(
            report,
            *profiles,
            checks=history["checks"],
            quality=(pages.load(QUALITY_HISTORY) or {}).get("checks", ()),
            next_step=next_step(pipeline, drifted=report["drifted"]),
            look=_look(report),
        )
        pages.put(key, page.encode(), content_type=_TYPE)
    except Exception:
        # The verdict is worth more than its pictures; the metric says that they are missing.
        logger.exception("the page of the report could not be drawn", extra={"key": key})
        metrics.put({"PagesNotDrawn": 1})
        return None
    return key


def next_step(pipeline: Pipeline, *, drifted: bool) -> str:
    """Say what a verdict leads to."""
    if not drifted:
        return f"nothing; the next check comes by its schedule, {pipeline.monitoring.schedule}."
    if "drift" not in pipeline.retraining.on:
        return "people are told by the alarm; drift starts no retraining in this pipeline."
    return "the alarm asks for a retraining. Its guard decides, by new labels, cooldown and limits; the alarm's message says how."


def _look(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    name = report["pipeline"]
    return [
        ("Report, in the artifacts bucket", report["report_key"]),
        ("Of the last check", f"headrace drift {name}"),
        ("How good the model is", f"headrace quality {name}"),
        ("What was trained, and why", f"headrace trainings {name}"),
    ]
