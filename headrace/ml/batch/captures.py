"""Captures what a file was answered as endpoints capture requests, so that it is watched and gets its labels like those.

References
----------
.. [1] Amazon SageMaker Developer Guide, "Capture data", format of the captured data.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headrace.ml.batch.members import ANSWER, FEATURES, KEPT, ROW
from headrace.ml.batch.results import Record

_JSON = "application/json"
_MOST_ROWS = 200
_LONGEST_REQUEST = 100_000
_LONGEST_ROW = 200_000
_PERIOD = 2**32


@dataclass(frozen=True)
class Capturing:
    """What is captured of a file.

    Parameters
    ----------
    inference_id : str
        By which labels find its predictions, together with a row; rows are counted from 0 there.
    variant : str
        The model version that answered.
    time : datetime
        When it did.
    share : float
        How much of the file, in runs of rows, 0 to 1.
    id : str or None
        The column that says of whom a row is, if the file has it; nothing else that only stands beside is captured.

    Examples
    --------
    >>> capturing = Capturing("batch-1", "v3", datetime(2026, 1, 31, 10, tzinfo=UTC), 1.0)
    >>> records = [{"row": row, "features": {"a": "1"}, "SageMakerOutput": {"score": 0.5}} for row in (1, 2, 4)]
    >>> events = [json.loads(line) for _, line in capturing.events(records)]
    >>> [event["eventMetadata"].get("firstRow", 0) for event in events]
    [0, 3]
    >>> events[0]["captureData"]["endpointInput"]["data"]
    '{"instances": [{"a": "1"}, {"a": "1"}]}'
    """

    inference_id: str
    variant: str
    time: datetime
    share: float
    id: str | None = None

    def events(self, records: Iterable[Record]) -> Iterator[tuple[str, str]]:
        """Yield the events of a file, id and line: the same for the same file, so that nothing counts twice.

        A run of rows that follow each other is an event. A row that is too large for one is left out.
        """
        for run in self._runs(records):
            event_id = self._event_id(run[0][ROW])
            if int(event_id[:8], 16) < self.share * _PERIOD:
                yield event_id, self._line(event_id, run)

    def _event_id(self, row: int) -> str:
        name = f"{self.inference_id}#{self.variant}#{row}"
        return str(uuid.UUID(hashlib.sha256(name.encode()).hexdigest()[:32]))

    def _line(self, event_id: str, run: Sequence[Record]) -> str:
        first = run[0][ROW] - 1
        metadata: dict[str, Any] = {
            "eventId": event_id,
            "inferenceTime": self.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "inferenceId": self.inference_id,
            **({"firstRow": first} if first else {}),
        }
        asked = {"instances": [self._asked(record) for record in run]}
        answered = {"predictions": [record[ANSWER] for record in run]}
        document = {
            "captureData": {
                "endpointInput": _part("INPUT", asked),
                "endpointOutput": _part("OUTPUT", answered),
            },
            "eventMetadata": metadata,
            "eventVersion": "0",
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    def _runs(self, records: Iterable[Record]) -> Iterator[list[Record]]:
        """Yield rows that follow each other, few enough for one event."""
        run: list[Record] = []
        size = 0
        for record in records:
            length = len(json.dumps(self._asked(record)))
            full = len(run) == _MOST_ROWS or size + length > _LONGEST_REQUEST
            if run and (full or record[ROW] != run[-1][ROW] + 1):
                yield run
                run, size = [], 0
            if length <= _LONGEST_ROW:
                run.append(record)
                size += length
        if run:
            yield run

    def _asked(self, record: Record) -> dict[str, Any]:
        """Return the row as a caller would have sent it: its features, and what says of whom it is."""
        who = {self.id: record[KEPT][self.id]} if self.id in record.get(KEPT, {}) else {}
        return {**who, **record[FEATURES]}


def _part(mode: str, document: Any) -> dict[str, Any]:
    data = json.dumps(document, ensure_ascii=False)
    return {"observedContentType": _JSON, "mode": mode, "data": data, "encoding": "JSON"}
