"""Finds one prediction by its id: among those that are recorded, then among what endpoints have captured since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from headrace.aws.capture import Capture, CaptureError, parse_capture
from headrace.aws.capture_window import StoredObject
from headrace.aws.captured_rows import read_answers
from headrace.aws.monitor_ledger import Progress
from headrace.aws.prediction_files import PredictionFile, PredictionFiles
from headrace.aws.prediction_index import PredictionIndex
from headrace.ml.deployed_model import DeployedModel

AT_ONCE = 32
"""Objects that are looked into at the same time: each takes S3 some 30 ms."""

_FIRST_DAY = date(2000, 1, 1)
_BESIDE = timedelta(days=1)
_IDS = ("_inference_id", "_event_id")
_SHOWN = ("_time", "_inference_id", "_event_id", "_row", "_prediction", "_score")


class Captured(Protocol):
    """What is needed of the captured requests."""

    def variants(self) -> list[str]:
        """Return the variants that have answered anything."""
        ...

    def list_objects(self, variant: str, first_hour: str) -> list[StoredObject]:
        """Return the objects of a variant from a partition on."""
        ...

    def read(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield objects."""
        ...


class Recordings(Protocol):
    """How far captured requests have been recorded."""

    def load(self, variant: str) -> Progress:
        """Return how far the recording of a variant has come."""
        ...


class Baselines(Protocol):
    """What is needed of the models' documents."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...


@dataclass(frozen=True)
class FoundPrediction:
    """What one variant has answered under an id.

    Parameters
    ----------
    variant : str
        Who answered, such as ``v3``.
    recorded : bool
        Whether it is among the recorded predictions; if not, it is in a captured object that waits to be recorded.
    key : str
        The object that has it.
    rows : list of dict
        Row by row: ``time``, ``inference_id``, ``event_id``, ``row``, ``prediction``, ``score``. No features.
    """

    variant: str
    recorded: bool
    key: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def version(self) -> int | None:
        """The model version of the variant; None of one that is not named after a version.

        Examples
        --------
        >>> FoundPrediction("v3", True, "k").version, FoundPrediction("AllTraffic", True, "k").version
        (3, None)
        """
        return version_of(self.variant)


def version_of(variant: str) -> int | None:
    """Return the model version that a variant is named after."""
    digits = variant.removeprefix("v")
    return int(digits) if digits.isdecimal() else None


class PredictionSearch:
    """Looks for predictions.

    Parameters
    ----------
    files : PredictionFiles
        Those that are recorded.
    index : PredictionIndex
        Which of them need not be opened.
    captured : Captured
        What the endpoint has captured.
    recordings : Recordings
        How far it has been recorded.
    baselines : Baselines
        By which captured answers are read.
    """

    def __init__(
        self,
        files: PredictionFiles,
        index: PredictionIndex,
        captured: Captured,
        recordings: Recordings,
        baselines: Baselines,
    ) -> None:
        self._files, self._index, self._captured = files, index, captured
        self._recordings, self._baselines = recordings, baselines

    def find(self, id: str, at: datetime | None = None) -> list[FoundPrediction]:
        """Return what was answered under an inference id, or else under an event id: the newest day that has any.

        Several are found if several variants have answered, such as a model in service and its shadow.

        Parameters
        ----------
        id : str
            What the caller has sent as ``InferenceId``, or the id that the endpoint gave the request.
        at : datetime, optional
            About when: only that day in UTC and those beside it are looked into.
        """
        return self._recorded(self._files_with(id, at), id) or [*self._waiting(id)]

    # --- recorded

    def _files_with(self, id: str, at: datetime | None) -> list[PredictionFile]:
        first = _FIRST_DAY if at is None else at.date() - _BESIDE
        last = date.max if at is None else at.date() + _BESIDE
        indexed = self._index.between(first, last)
        return [
            file
            for file in self._files.since(first)
            if file.day <= last and (file.key not in indexed or indexed[file.key].may_have(id))
        ]

    def _recorded(self, files: Sequence[PredictionFile], id: str) -> list[FoundPrediction]:
        readers = ThreadPoolExecutor(AT_ONCE)
        try:
            looked = zip(files, readers.map(partial(self._look, id), files), strict=True)
            for _, of_day in groupby(looked, key=lambda pair: pair[0].day):
                if found := [each for _, each in of_day if each]:
                    return found
        finally:
            readers.shutdown(cancel_futures=True)
        return []

    def _look(self, id: str, file: PredictionFile) -> FoundPrediction | None:
        table = self._files.open(file)
        places = next((found for name in _IDS if len(found := table.places(name, id))), None)
        if places is None:
            return None
        rows = [
            {name.removeprefix("_"): value for name, value in row.items()}
            for row in table.rows(places, _SHOWN).to_pylist()
        ]
        return FoundPrediction(file.variant, True, file.key, [_plain(row) for row in rows])

    # --- captured since

    def _waiting(self, id: str) -> Iterator[FoundPrediction]:
        # As JSON has it: what is not in the bytes is not looked at.
        needle = json.dumps(id)[1:-1].encode()
        for variant in self._captured.variants():
            keys = [item.key for item in self.unrecorded(variant)]
            for key, body in zip(keys, self._captured.read(keys), strict=True):
                if needle not in body:
                    continue
                captures = [
                    capture for line in body.splitlines() if needle in line for capture in _parsed(line)
                ]
                if mine := [
                    capture for capture in captures if id in (capture.inference_id, capture.event_id)
                ]:
                    model = DeployedModel.of(self._baselines.load(f"baselines/{variant}/baseline.json"))
                    rows = [row for capture in mine for row in _rows(capture, model)]
                    yield FoundPrediction(variant, False, key, rows)

    def unrecorded(self, variant: str) -> list[StoredObject]:
        """Return the captured objects of a variant that are not recorded yet."""
        checkpoint = self._recordings.load(variant).checkpoint
        return checkpoint.after(self._captured.list_objects(variant, checkpoint.first_hour()))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "time": f"{row['time'].isoformat()}+00:00"}


def _parsed(line: bytes) -> Iterator[Capture]:
    try:
        yield parse_capture(line)
    except CaptureError:
        return


def _rows(capture: Capture, model: DeployedModel) -> list[dict[str, Any]]:
    """Return the rows of a captured request; one without an answer if that cannot be read."""
    known = {
        "time": capture.time.isoformat(),
        "inference_id": capture.inference_id,
        "event_id": capture.event_id,
    }
    try:
        answers = read_answers(capture, model.classes, model.threshold)
    except CaptureError:
        return [{**known, "row": capture.first_row, "prediction": None, "score": None}]
    pairs = zip(answers.predictions, answers.scores, strict=True)
    return [
        {**known, "row": capture.first_row + place, "prediction": label, "score": score}
        for place, (label, score) in enumerate(pairs)
    ]
