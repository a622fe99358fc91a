"""Logs requests and answers as SageMaker's DataCapture stores them, for endpoints that have no DataCapture.

References
----------
.. [1] Amazon SageMaker Developer Guide, "Capture data", format of the captured data.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import orjson

from sagemaker_jobs.serve_model.requests import (
    BYTE_ORDER_MARK,
    PARQUET,
    Cells,
    first_row_is_header,
    media_type,
)

_LONGEST_BODY = 100_000  # CloudWatch Logs cuts lines beyond 256 KB; JSON may double a body.
_LONGEST_LINE = 200_000
_ENCODINGS = {"text/csv": "CSV", "application/json": "JSON"}
_NUMBERS = count()
_DIGITS = 12  # of the last group of a UUID

Cut = Callable[[int, int], tuple[str, str]]
"""Returns rows of a request, from one to before another, and their content type."""


@dataclass(slots=True)
class Exchange:
    """One request and the answer to it.

    Parameters
    ----------
    request, answer : bytes
        The bodies, in UTF-8.
    content_type, answer_type : str
        Their media types.
    cells : callable
        Returns the request's raw cells by feature.
    inference_id : str
        The caller's own id, or empty.
    time : float
        Of the answer, in seconds since 1970.
    """

    request: bytes
    content_type: str
    cells: Callable[[], Cells]
    answer: bytes
    answer_type: str
    inference_id: str
    time: float


def is_small(exchange: Exchange) -> bool:
    """Tell whether an exchange is one line that costs little to write."""
    return len(exchange.request) + len(exchange.answer) <= _LONGEST_BODY and not _is_parquet(exchange)


def capture_lines(exchange: Exchange) -> Iterator[bytes]:
    """Yield the lines to log: one, or several with some of the rows each if the request is large.

    A small request is kept as it came, an image in base64. A large one is cut between its rows, or, if it is of a form
    that cannot be cut, written anew as CSV with the features alone; its lines say which row of the request is their first
    one. A row that is too large for a line of the log is left out.
    """
    if is_small(exchange):
        content_type = exchange.content_type or "text/csv"
        request = (_text_of(exchange.request, content_type), content_type)
        yield _line(exchange, request, exchange.answer.decode())
        return
    cells = exchange.cells()
    rows = len(next(iter(cells.values())))
    step = max(1, rows * _LONGEST_BODY // (len(exchange.request) + len(exchange.answer)))
    answers = _answers(exchange)
    cut = _cut_csv(exchange, cells) or _cut_json(exchange, rows) or _write_anew(cells)
    for start in range(0, rows, step):
        request = cut(start, start + step)
        if len(request[0]) > _LONGEST_LINE:
            continue
        yield _line(exchange, request, _joined(answers[start : start + step], exchange.answer_type), start)


def _line(exchange: Exchange, request: tuple[str, str], answer: str, first_row: int = 0) -> bytes:
    text, content_type = request
    metadata: dict[str, Any] = {"eventId": _event_id(), "inferenceTime": _moment(int(exchange.time))}
    if first_row:
        metadata["firstRow"] = first_row
    if exchange.inference_id:
        metadata["inferenceId"] = exchange.inference_id
    record = {
        "captureData": {
            "endpointInput": _part("INPUT", text, content_type),
            "endpointOutput": _part("OUTPUT", answer, exchange.answer_type),
        },
        "eventMetadata": metadata,
        "eventVersion": "0",
    }
    return orjson.dumps(record)


def _event_id() -> str:
    """Return a random id of this process with a number of its own at the end: a new random one costs as much as a line."""
    return f"{_process()}{next(_NUMBERS):0{_DIGITS}x}"


@lru_cache(1)
def _process() -> str:
    return str(uuid.uuid4())[:-_DIGITS]


@lru_cache(2)
def _moment(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def _part(mode: str, data: str, content_type: str) -> dict[str, Any]:
    kind = media_type(content_type)
    encoding = "BASE64" if kind.startswith("image/") else _ENCODINGS.get(kind, "JSON")
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _is_parquet(exchange: Exchange) -> bool:
    return media_type(exchange.content_type) in PARQUET


def _text_of(body: bytes, content_type: str) -> str:
    if media_type(content_type).startswith("image/"):
        return base64.b64encode(body).decode()
    return body.removeprefix(BYTE_ORDER_MARK).decode()


def _cut_csv(exchange: Exchange, cells: Cells) -> Cut | None:
    """Cut between the lines of CSV; None if it is not CSV, or has quotes, which may hold the end of a line."""
    if media_type(exchange.content_type) != "text/csv":
        return None
    text = _text_of(exchange.request, "text/csv")
    if '"' in text or "\r" in text:
        return None
    lines = [f"{line}\n" for line in text.split("\n") if line]
    header = lines.pop(0) if first_row_is_header(lines[0].split(","), set(cells)) else ""
    return lambda start, stop: (header + "".join(lines[start:stop]), "text/csv")


def _cut_json(exchange: Exchange, rows: int) -> Cut | None:
    """Cut between the records of JSON; None if it has none."""
    if media_type(exchange.content_type) != "application/json":
        return None
    body = json.loads(exchange.request)
    records = body.get("instances") if isinstance(body, dict) else body
    if not isinstance(records, list) or len(records) != rows:
        return None
    return lambda start, stop: (
        json.dumps({"instances": records[start:stop]}, ensure_ascii=False),
        "application/json",
    )


def _write_anew(cells: Cells) -> Cut:
    return lambda start, stop: (_csv(cells, start, stop), "text/csv")


def _csv(cells: Cells, start: int, stop: int) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells)
    chosen = ([_cell(cell) for cell in values[start:stop]] for values in cells.values())
    writer.writerows(zip(*chosen, strict=True))
    return text.getvalue()


def _cell(cell: Any) -> Any:
    return base64.b64encode(cell).decode() if isinstance(cell, bytes) else cell


def _answers(exchange: Exchange) -> Sequence[Any]:
    """Return the answers row by row: lines of CSV or of JSON, or JSON's predictions."""
    text = exchange.answer.decode()
    if exchange.answer_type != "application/json":
        return [f"{line}\n" for line in text.split("\n") if line]
    predictions: list[Any] = json.loads(text)["predictions"]
    return predictions


def _joined(answers: Sequence[Any], media_type: str) -> str:
    if media_type != "application/json":
        return "".join(answers)
    return json.dumps({"predictions": answers}, ensure_ascii=False)
