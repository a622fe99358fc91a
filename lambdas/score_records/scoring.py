"""What happens to the records of one batch: answered together, and refused one by one."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from headrace.aws.dead_letters import DeadLetter
from headrace.aws.delivery import DeliveryError, packed
from headrace.aws.model_endpoint import Answers, EndpointUnavailableError, RowsRefusedError
from headrace.aws.stream_records import StreamRecord
from headrace.aws.stream_writer import OutputRecord

MOST_BYTES = 3 * 2**20
"""Of one request: a serverless endpoint takes 4 MB, and a batch of records never holds much more."""


class Endpoint(Protocol):
    """What is needed of the model."""

    def predict(self, rows: Sequence[bytes], inference_id: str) -> Answers:
        """Answer rows, or raise `RowsRefusedError` or `EndpointUnavailableError`."""
        ...


class Output(Protocol):
    """What is needed of the stream of predictions."""

    def put(self, records: Sequence[OutputRecord]) -> None:
        """Put all, or raise `DeliveryError`."""
        ...


class Refused(Protocol):
    """What is needed of the queue of dead letters."""

    def put(self, letters: Sequence[DeadLetter]) -> None:
        """Send all, or raise `DeliveryError`."""
        ...


@dataclass(frozen=True)
class Ports:
    """What a batch is scored with."""

    endpoint: Endpoint
    output: Output
    dead_letters: Refused


@dataclass
class Outcome:
    """What became of a batch.

    Parameters
    ----------
    scored : int
        Records whose predictions were put.
    refused : list of DeadLetter
        Records that were sent to the dead letters.
    first_failed : StreamRecord or None
        From here on everything must come again; None if nothing must.
    why : str
        What failed there.
    """

    scored: int = 0
    refused: list[DeadLetter] = field(default_factory=list)
    first_failed: StreamRecord | None = None
    why: str = ""


@dataclass(frozen=True)
class _Row:
    position: int
    record: StreamRecord
    text: bytes
    id: Any


def score_batch(
    records: Sequence[StreamRecord],
    ports: Ports,
    *,
    id_column: str | None,
    enough_time: Callable[[], bool] = lambda: True,
) -> Outcome:
    """Put a prediction for every record that the model can answer; send the others to the dead letters.

    A request holds as many records as it may. If the container refuses it, its halves are asked by themselves, until the
    record is alone that cannot be answered: the others do not suffer for it. What fails for another reason ends the work
    on the batch, and Lambda hands over everything from there on again.

    Parameters
    ----------
    records : sequence of StreamRecord
        In the order of the shard.
    ports : Ports
        Where to ask, and where to put.
    id_column : str or None
        The column whose cell is repeated beside the prediction.
    enough_time : callable
        Asked before every request: whether there is time for one more.

    Returns
    -------
    Outcome
        Before `first_failed` every record was either scored or refused. Behind it, some may have been scored, and will be
        again.
    """
    rows, refused = _read(records, id_column)
    outcome, stop = Outcome(), len(records)
    waiting = deque(packed(rows, lambda row: len(row.text), most=len(records) or 1, most_bytes=MOST_BYTES))
    while waiting:
        group = waiting.popleft()
        try:
            if not enough_time():
                raise EndpointUnavailableError("the time of this invocation is over")
            outcome.scored += _score(group, ports)
        except RowsRefusedError as error:
            if len(group) == 1:
                letter = DeadLetter(group[0].record, "refused_by_model", str(error))
                refused.append((group[0].position, letter))
            else:
                middle = len(group) // 2
                waiting.extendleft((group[middle:], group[:middle]))
        except (EndpointUnavailableError, DeliveryError) as error:
            stop, outcome.why = group[0].position, str(error)
            break
    return _refuse(refused, stop, records, outcome, ports.dead_letters)


def _read(
    records: Sequence[StreamRecord], id_column: str | None
) -> tuple[list[_Row], list[tuple[int, DeadLetter]]]:
    rows: list[_Row] = []
    refused: list[tuple[int, DeadLetter]] = []
    for position, record in enumerate(records):
        document, reason, detail = _parsed(record.data)
        if reason:
            refused.append((position, DeadLetter(record, reason, detail)))
        else:
            id = document.get(id_column) if id_column else None
            rows.append(_Row(position, record, record.data.strip(), id))
    return rows, refused


def _parsed(data: bytes) -> tuple[dict[str, Any], str, str]:
    """Return the object, or why the data is none: a code and a sentence."""
    if len(data) > MOST_BYTES:
        return {}, "too_large", f"the record is larger than {MOST_BYTES // 2**20} MB"
    try:
        document = json.loads(data.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        return {}, "not_json", "the record is not JSON in UTF-8; send one object per record"
    if not isinstance(document, dict):
        return {}, "not_an_object", 'the record is JSON, but no object such as {"temp": 0.3}'
    return document, "", ""


def _no_number(text: str) -> float:
    raise ValueError(f"JSON has no {text}")


def _score(group: Sequence[_Row], ports: Ports) -> int:
    inference_id = group[0].record.sequence_number
    answers = ports.endpoint.predict([row.text for row in group], inference_id)
    ports.output.put(
        [
            OutputRecord(
                row.record.partition_key,
                json.dumps(
                    {
                        "id": row.id,
                        "sequence_number": row.record.sequence_number,
                        "prediction": prediction,
                        "model_version": answers.model_version,
                        "inference_id": inference_id,
                        "row": index,
                    },
                    ensure_ascii=False,
                ).encode(),
            )
            for index, (row, prediction) in enumerate(zip(group, answers.predictions, strict=True))
        ]
    )
    return len(group)


def _refuse(
    refused: list[tuple[int, DeadLetter]],
    stop: int,
    records: Sequence[StreamRecord],
    outcome: Outcome,
    dead_letters: Refused,
) -> Outcome:
    """Send what will not come again; if that fails, everything from the first such record on must."""
    before = sorted((entry for entry in refused if entry[0] < stop), key=lambda entry: entry[0])
    letters = [letter for _, letter in before]
    if letters:
        try:
            dead_letters.put(letters)
            outcome.refused = letters
        except DeliveryError as error:
            stop, outcome.why = before[0][0], str(error)
    outcome.first_failed = records[stop] if stop < len(records) else None
    return outcome
