"""When a version has only answered copies of requests: what nobody was told has no label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from headrace.aws.release_log import BEGAN, ENDED, Entry

_MOMENT = pa.timestamp("us")


@dataclass(frozen=True)
class ShadowSpan:
    """One release of a shadow.

    Parameters
    ----------
    variant : str
        Of the shadow.
    since : datetime
        When it began, in UTC.
    until : datetime or None
        When it ended; None if it still runs.
    """

    variant: str
    since: datetime
    until: datetime | None


def shadow_spans(entries: Iterable[Entry]) -> list[ShadowSpan]:
    """Return the releases of shadows that a history tells of.

    Parameters
    ----------
    entries : iterable of Entry
        In any order.

    Examples
    --------
    >>> said = {"by": "", "why": "", "execution": ""}
    >>> plan = {"planned_at": "t", "version": 4, "against": 3, "strategy": "shadow"}
    >>> began = Entry.of(plan, BEGAN, "began", 0.0, at="2026-01-31T10:00:00+00:00", **said)
    >>> [(span.variant, span.since.hour, span.until) for span in shadow_spans([began])]
    [('v4', 10, None)]
    """
    shadows = [entry for entry in entries if entry.strategy == "shadow"]
    ends = {entry.planned_at: datetime.fromisoformat(entry.at) for entry in shadows if entry.place == ENDED}
    return [
        ShadowSpan(f"v{entry.version}", datetime.fromisoformat(entry.at), ends.get(entry.planned_at))
        for entry in shadows
        if entry.place == BEGAN
    ]


def without_copies(ids: pa.Table, spans: Sequence[ShadowSpan]) -> pa.Table:
    """Return what identifies predictions, with nothing where copies were answered: rows keep their places.

    Parameters
    ----------
    ids : pyarrow.Table
        With ``_time``, in UTC without a zone.
    spans : sequence of ShadowSpan
        Of the variant that answered.
    """
    if not spans:
        return ids
    time = pc.cast(ids["_time"], _MOMENT)
    copies = pa.chunked_array([pa.repeat(pa.scalar(False), ids.num_rows)])
    for span in spans:
        copies = pc.or_(copies, _within(time, span))
    for place, name in enumerate(ids.column_names):
        if name in ("_inference_id", "_entity"):
            cleared = pc.if_else(copies, pa.scalar(None, ids[name].type), ids[name])
            ids = ids.set_column(place, ids.schema.field(place), cleared)
    return ids


def _within(time: pa.ChunkedArray, span: ShadowSpan) -> pa.ChunkedArray:
    began = pc.greater_equal(time, pa.scalar(_naive(span.since), _MOMENT))
    return pc.and_(began, pc.less(time, pa.scalar(_naive(span.until), _MOMENT))) if span.until else began


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
