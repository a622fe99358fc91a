"""Draws what a look at a release found, on a page beside its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from headrace.aws.logs import function_logger
from headrace.ml.release.page import render_release
from headrace.ml.release.shift import Stratum

logger = function_logger(child=True)

_TYPE = "text/html; charset=utf-8"


class Pages(Protocol):
    """What this needs from storage."""

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> None:
        """Write bytes."""
        ...


class Counters(Protocol):
    """What this needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit values."""
        ...


def draw_page(report: Mapping[str, Any], answers: Stratum, pages: Pages, metrics: Counters) -> str | None:
    """Write the page of a report and return its key; None if it cannot be drawn, which never stops the release."""
    key = f"{report['report_key'].removesuffix('.json')}.html"
    try:
        page = render_release(report, answers.champion, answers.challenger)
        pages.put(key, page.encode(), content_type=_TYPE)
    except Exception:
        # The decision is worth more than its pictures; the metric says that they are missing.
        logger.exception("the page of the release could not be drawn", extra={"key": key})
        metrics.put({"PagesNotDrawn": 1})
        return None
    return key
