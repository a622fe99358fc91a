"""Merges what was recorded since the last check."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.aws.captured_profiles import CapturedProfile, Span
from headrace.ml.profile import Profile, merge_profiles


def merged(parts: Iterable[CapturedProfile]) -> CapturedProfile:
    """Return one profile of all rows of `parts`, and the sums of their counts; one without rows if there are none."""
    found = list(parts)
    spans = [part.span for part in found if part.span]
    return CapturedProfile(
        merge_profiles([part.profile for part in found]) if found else Profile(0, ()),
        _outer(spans) if spans else None,
        sum(part.requests for part in found),
        sum(part.unreadable for part in found),
        sum(part.duplicates for part in found),
    )


def _outer(spans: list[Span]) -> Span:
    return min(first for first, _ in spans), max(last for _, last in spans)
