"""Looks through recorded predictions for those that labels are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from headrace.aws.prediction_files import PredictionFile
from headrace.aws.shadow_spans import ShadowSpan, without_copies
from headrace.config.feedback import Feedback
from headrace.ml.ahead import several_ahead
from headrace.ml.arrays import Ints
from headrace.ml.feedback_join import Found, Matching, id_columns
from headrace.ml.feedback_labels import MOMENT

_OVERLAP = timedelta(minutes=15)
"""An object may become visible a little after its time of modification."""

_SMALL = 4 * 2**20
_AT_ONCE = 16
_Piece = tuple[int, pa.Table]


class PredictionTable(Protocol):
    """One file of predictions."""

    def pieces(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Yield some columns, each piece with the place of its first row."""
        ...

    def rows(self, places: Ints) -> pa.Table:
        """Return the rows at some places."""
        ...


class Predictions(Protocol):
    """Recorded predictions."""

    def since(self, day: date) -> list[PredictionFile]:
        """Return files, the newest day first."""
        ...

    def open(self, file: PredictionFile) -> PredictionTable:
        """Return one to be read from."""
        ...


class Search:
    """Compares labels with predictions: new labels with all of the time in question, others with new predictions only.

    Only the columns that identify predictions are read, day by day from the newest on, and no more days than needed.

    Parameters
    ----------
    predictions : Predictions
        Where to look.
    labels : pyarrow.Table
        As :data:`headrace.ml.feedback_labels.LABELS` says.
    feedback : Feedback
        How they are joined.
    shadows : sequence of ShadowSpan
        When variants answered copies only: a label is about the answer that somebody got.
    """

    def __init__(
        self,
        predictions: Predictions,
        labels: pa.Table,
        feedback: Feedback,
        shadows: Sequence[ShadowSpan] = (),
    ) -> None:
        self._shadows = shadows
        self.within = timedelta(days=feedback.within_days)
        self._predictions, self._join = predictions, feedback.join
        self._matching = Matching(labels, feedback.join, self.within)
        self._listed = self._list()

    @property
    def count(self) -> int:
        """How many labels there are, each thing that they speak of counted once."""
        return int(self._matching.labels.num_rows)

    @property
    def superseded(self) -> int:
        """How many labels were followed by a later one of the same."""
        return self._matching.superseded

    def matches(self) -> Iterator[tuple[PredictionFile, Found]]:
        """Yield each file that has predictions which labels are about."""
        files = self._relevant()
        self._look_through(files)
        for number, file in enumerate(files):
            found = self._matching.found(number)
            if len(found.rows):
                yield file, found

    def labels_of(self, found: Found) -> pa.Table:
        """Return the labels of what was found."""
        return self._matching.labels.take(pa.array(found.labels))

    def missed(self) -> pa.Table:
        """Return the labels without a prediction; they know what they have been compared with."""
        missed = self._matching.unmatched
        if not self._listed:
            return missed
        newest = max(file.modified for file in self._listed).astimezone(UTC).replace(tzinfo=None)
        place = missed.column_names.index("compared_upto")
        compared = pa.repeat(pa.scalar(newest, MOMENT), missed.num_rows)
        return missed.set_column(place, missed.schema.field(place), compared)

    def _list(self) -> list[PredictionFile]:
        labels = self._matching.labels
        if not labels.num_rows:
            return []
        return self._predictions.since(self._first_day(labels))

    def _first_day(self, labels: pa.Table) -> date:
        """Return the day before which no prediction is any label's."""
        reference: datetime = pc.min(labels.column("at" if self._join == "entity" else "received_at")).as_py()
        return (reference - self.within).date()

    def _relevant(self) -> list[PredictionFile]:
        """Return the files that some label has not been compared with."""
        labels = self._matching.labels
        is_new = labels.column("compared_upto").is_null()
        new, old = labels.filter(is_new), labels.filter(pc.invert(is_new))
        first_day = self._first_day(new) if new.num_rows else date.max
        upto: datetime = datetime.max.replace(tzinfo=UTC)
        if old.num_rows:
            upto = pc.min(old.column("compared_upto")).as_py().replace(tzinfo=UTC) - _OVERLAP
        return [file for file in self._listed if file.day >= first_day or file.modified > upto]

    def _look_through(self, files: list[PredictionFile]) -> None:
        numbered = enumerate(files)
        for _, of_day in groupby(numbered, key=lambda each: each[1].day):
            if self._matching.complete:
                return
            day = list(of_day)
            read = several_ahead(self._ids, [file for _, file in day], _AT_ONCE)
            for (number, _), pieces in zip(day, read, strict=True):
                self._offer(number, pieces)

    def _offer(self, number: int, pieces: Iterable[_Piece]) -> None:
        for start, ids in pieces:
            self._matching.offer(number, start, ids)

    def _ids(self, file: PredictionFile) -> Iterable[_Piece]:
        """Return what identifies the predictions of a file: at once if it is small, else while it is looked at."""
        spans = [span for span in self._shadows if span.variant == file.variant]
        read = self._predictions.open(file).pieces(id_columns(self._join))
        pieces = ((start, without_copies(ids, spans)) for start, ids in read)
        return list(pieces) if file.size_bytes <= _SMALL else pieces
