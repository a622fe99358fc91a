"""Collects what the endpoint was asked and what it answered since the last check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headrace.aws.capture import Capture, CaptureError, parse_capture
from headrace.aws.captured_rows import Columns, read_predictions, read_rows
from headrace.ml.contract import ColumnSchema
from headrace.ml.profile import Profile, profile_frame
from headrace.ml.request_cleaning import RequestCleaning
from headrace.ml.rows import frame_of_captured


@dataclass(frozen=True)
class _Request:
    time: datetime
    columns: Columns
    predictions: list[Any]


@dataclass
class Window:
    """Requests in the order of their time.

    Parameters
    ----------
    cleaning : RequestCleaning
        What requests had, and what the model was given.
    unreadable : int
        Records that are no capture records, or do not fit the schema.
    duplicates : int
        Records that were delivered a second time; each request counts once.
    """

    cleaning: RequestCleaning
    unreadable: int = 0
    duplicates: int = 0
    _requests: list[_Request] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)

    def add(self, lines: Iterable[str]) -> None:
        """Add the records of one captured object."""
        for line in lines:
            try:
                self._add(parse_capture(line))
            except CaptureError:
                self.unreadable += 1

    def _add(self, capture: Capture) -> None:
        if capture.event_id in self._ids:
            self.duplicates += 1
            return
        request = _Request(capture.time, read_rows(capture, self._names), read_predictions(capture))
        self._ids.add(capture.event_id)
        self._requests.append(request)

    @property
    def _names(self) -> list[str]:
        return [column.name for column in self.cleaning.wanted]

    @property
    def requests(self) -> int:
        """How many requests there are."""
        return len(self._requests)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """Time of the first and of the last request, or None if there are none."""
        times = [request.time for request in self._requests]
        return (min(times), max(times)) if times else None

    def profile(self, baseline: Profile) -> Profile:
        """Profile rows and predictions in the bins of `baseline`."""
        ordered = sorted(self._requests, key=lambda request: request.time)
        cells: Columns = {
            name: [cell for request in ordered for cell in request.columns[name]] for name in self._names
        }
        schema = self.cleaning.schema
        cleaned = self.cleaning.cleaned(cells) if self.cleaning.steps else cells
        answers = [answer for request in ordered for answer in request.predictions]
        predictions = _typed(answers, baseline) if baseline.prediction else None
        return profile_frame(
            frame_of_captured(cleaned, schema), schema, predictions=predictions, like=baseline
        )


def _typed(answers: list[Any], baseline: Profile) -> list[Any]:
    """Return numbers, or labels as text, as the baseline has them; what is neither is missing."""
    assert baseline.prediction is not None
    column = ColumnSchema("prediction", baseline.prediction.kind)
    return list(frame_of_captured({"prediction": answers}, [column])["prediction"])
