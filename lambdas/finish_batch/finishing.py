"""What happens to a file once the model has answered it: the predictions are written, captured, written down, announced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from headrace.aws.capture import capture_key
from headrace.aws.dropped_files import DroppedFile
from headrace.aws.executions import sentence_of
from headrace.aws.prediction_ledger import Prediction
from headrace.config.batch import Batch
from headrace.config.pipeline import Pipeline
from headrace.ml.batch.captures import Capturing
from headrace.ml.batch.results import SUFFIXES, Layout, Record, ResultFile

_ROWS_AT_ONCE = 10_000
_EVENTS_AT_ONCE = 50
_LONGEST_WHY = 1000


class AnswersMissingError(Exception):
    """The transform job has not answered every record; the text says how many are missing."""


class Folder(Protocol):
    """What is needed of the folder of the transform job."""

    def prepared(self) -> dict[str, Any]:
        """Return what is known of the file."""
        ...

    def fetch_rejected(self, path: Path) -> None:
        """Write the rows that were refused to `path`."""
        ...

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield the records with their answers."""
        ...


class Results(Protocol):
    """What is needed of the data bucket."""

    def keep(
        self, file: DroppedFile, predictions: Path, rejected: Path | None, summary: Mapping[str, Any]
    ) -> str:
        """Write what a file was answered; return where."""
        ...

    def keep_refusal(self, file: DroppedFile, summary: Mapping[str, Any]) -> str:
        """Write why a whole file has no predictions; return where."""
        ...


class Captures(Protocol):
    """What is needed of the artifacts bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    def end(self, prediction: Prediction, **changes: Any) -> Prediction:
        """Write down how a file has ended."""
        ...


class Events(Protocol):
    """What is needed of the event bus."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event."""
        ...


class Metrics(Protocol):
    """What is needed of CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit counts."""
        ...


class Letters(Protocol):
    """What is needed of the dead letters."""

    def put(self, file: DroppedFile) -> None:
        """Keep a file's event for whoever tries again."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    results: Results
    captures: Captures
    ledger: Ledger
    events: Events
    metrics: Metrics
    letters: Letters


@dataclass(frozen=True)
class Answered:
    """A file whose answers are there.

    Parameters
    ----------
    file : DroppedFile
        Which.
    prediction : Prediction
        What the ledger knows of it.
    variant : str
        The model version that answered.
    at : datetime
        When it did.
    """

    file: DroppedFile
    prediction: Prediction
    variant: str
    at: datetime


def finish_batch(
    answered: Answered, pipeline: Pipeline, folder: Folder, ports: Ports, scratch: Path
) -> dict[str, Any]:
    """Write the predictions of a file and everything about them; return what became of it.

    Each step may be repeated. What people look for comes last, so that nothing that is there is half.

    Raises
    ------
    AnswersMissingError
        If there is not one answer for each record.
    """
    known = folder.prepared()
    batch = pipeline.endpoint.batches or Batch()
    predictions = scratch / f"predictions.{SUFFIXES[batch.format]}"
    capturing = Capturing(
        known["inference_id"], answered.variant, answered.at, pipeline.endpoint.capture_share, known["id"]
    )
    layout = Layout(tuple(known["beside"]), tuple(known["classes"]))
    with ResultFile(predictions, layout, batch.format) as result:
        records = _kept(folder.answers(), result, known["rows"])
        _capture(capturing, records, f"headrace-{pipeline.name}", ports.captures)
    rejected = None
    if known["refused"]["rows"]:
        rejected = scratch / "rejected.csv"
        folder.fetch_rejected(rejected)
    summary = {
        **_about(answered),
        "rows": known["rows"],
        "refused": known["refused"],
        "predictions": predictions.name,
        "inference_id": known["inference_id"],
    }
    where = ports.results.keep(answered.file, predictions, rejected, summary)
    refused = known["refused"]["rows"]
    return _ended(answered, ports, state="predicted", rows=known["rows"], refused_rows=refused, result=where)


def refuse_batch(answered: Answered, refusal: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Write down that a whole file cannot be answered, and why."""
    where = ports.results.keep_refusal(
        answered.file,
        {**_about(answered), "rows": 0, "refused_whole": refusal["code"], "why": refusal["why"]},
    )
    return _ended(answered, ports, state="refused", result=where, why=refusal["why"])


def fail_batch(
    file: DroppedFile, prediction: Prediction, error: Mapping[str, Any], ports: Ports, now: datetime
) -> dict[str, Any]:
    """Write down that answering a file has failed, keep its event, and let the next file have its turn."""
    why = f"{error.get('Error', 'error')}: {sentence_of(error.get('Cause', ''))}"[:_LONGEST_WHY]
    ports.letters.put(file)
    ports.ledger.end(prediction, state="failed", why=why, ended_at=now.isoformat())
    ports.metrics.put({"BatchFilesFailed": 1})
    return {"why": why}


def _kept(answers: Iterable[Record], result: ResultFile, expected: int) -> Iterator[Record]:
    """Write the rows of the result while they pass; every record that was asked must have come at the end."""
    rows, last = 0, 0
    answers = iter(answers)
    while some := list(islice(answers, _ROWS_AT_ONCE)):
        result.add(some)
        numbers = [record["row"] for record in some]
        if any(after <= before for before, after in zip([last, *numbers], numbers, strict=False)):
            raise AnswersMissingError("the answers are not in the order of the records")
        rows, last = rows + len(some), numbers[-1]
        yield from some
    if rows != expected:
        raise AnswersMissingError(f"{rows} answers have come for {expected} records")


def _capture(capturing: Capturing, records: Iterator[Record], endpoint: str, captures: Captures) -> None:
    events = capturing.events(records)
    while some := list(islice(events, _EVENTS_AT_ONCE)):
        key = capture_key(endpoint, capturing.variant, capturing.time, [event_id for event_id, _ in some])
        captures.put(key, "".join(f"{line}\n" for _, line in some).encode())


def _about(answered: Answered) -> dict[str, Any]:
    return {**answered.file.named, "model_version": answered.variant, "answered_at": answered.at.isoformat()}


def _ended(answered: Answered, ports: Ports, **changes: Any) -> dict[str, Any]:
    at = answered.at.isoformat()
    ended = ports.ledger.end(answered.prediction, variant=answered.variant, ended_at=at, **changes)
    told = {
        "file": ended.key,
        "version_id": ended.version_id,
        "state": ended.state,
        "rows": ended.rows,
        "refused_rows": ended.refused_rows,
        "result": ended.result,
        "model_version": ended.variant,
    }
    ports.events.put("BatchPredicted", told)
    ports.metrics.put(
        {
            "BatchRowsPredicted": ended.rows,
            "BatchRowsRefused": ended.refused_rows,
            "BatchFilesRefused": int(ended.state == "refused"),
        }
    )
    return told
