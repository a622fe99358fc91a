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
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagemaker_jobs.serve_model.requests import Cells

_LONGEST_BODY = 100_000  # CloudWatch Logs cuts lines beyond 256 KB; JSON may double a body.
_LONGEST_LINE = 200_000
_ENCODINGS = {"text/csv": "CSV", "application/json": "JSON"}

Cut = Callable[[int, int], tuple[str, str]]
"""Returns rows of a request, from one to before another, and their content type."""


@dataclass(frozen=True)
class Exchange:
    """One request and the answer to it.

    Parameters
    ----------
    request, answer : bytes
        The bodies, in UTF-8.
    content_type, answer_type : str
        Their media types.
    cells : dict of str to sequence
        The request's raw cells by feature.
    inference_id : str or None
        The caller's own id.
    time : datetime
        Of the answer, in UTC.
    """

    request: bytes
    content_type: str
    cells: Cells
    answer: bytes
    answer_type: str
    inference_id: str | None
    time: datetime


def capture_lines(exchange: Exchange) -> Iterator[str]:
    """Yield the lines to log: one, or several with some of the rows each if the request is large.

    A small request is kept as it came, an image in base64. A large one is cut between its rows, or, if it is of a form
    that cannot be cut, written anew as CSV with the features alone; its lines say which row of the request is their first
    one. A row that is too large for a line of the log is left out.
    """
    if len(exchange.request) + len(exchange.answer) <= _LONGEST_BODY:
        content_type = exchange.content_type or "text/csv"
        request = (_text_of(exchange.request, content_type), content_type)
        yield _line(exchange, request, exchange.answer.decode())
        return
    rows = len(next(iter(exchange.cells.values())))
    step = max(1, rows * _LONGEST_BODY // (len(exchange.request) + len(exchange.answer)))
    answers = _answers(exchange)
    cut = _cut_csv(exchange, rows) or _cut_json(exchange, rows) or _write_anew(exchange)
    for start in range(0, rows, step):
        request = cut(start, start + step)
        if len(request[0]) > _LONGEST_LINE:
            continue
        yield _line(exchange, request, _joined(answers[start : start + step], exchange.answer_type), start)


def _line(exchange: Exchange, request: tuple[str, str], answer: str, first_row: int = 0) -> str:
    text, content_type = request
    time = exchange.time.strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata: dict[str, Any] = {"eventId": str(uuid.uuid4()), "inferenceTime": time}
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
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _part(mode: str, data: str, content_type: str) -> dict[str, Any]:
    kind = _kind(content_type)
    encoding = "BASE64" if kind.startswith("image/") else _ENCODINGS.get(kind, "JSON")
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower() or "text/csv"


def _text_of(body: bytes, content_type: str) -> str:
    return base64.b64encode(body).decode() if content_type.startswith("image/") else body.decode("utf-8-sig")


def _cut_csv(exchange: Exchange, rows: int) -> Cut | None:
    """Cut between the lines of CSV; None if it is not CSV, or has quotes, which may hold the end of a line."""
    text = exchange.request.decode("utf-8-sig")
    if _kind(exchange.content_type) != "text/csv" or '"' in text or "\r" in text:
        return None
    lines = [f"{line}\n" for line in text.split("\n") if line]
    header = "" if set(exchange.cells).isdisjoint(map(str.strip, lines[0].split(","))) else lines.pop(0)
    if len(lines) != rows:
        return None
    return lambda start, stop: (header + "".join(lines[start:stop]), "text/csv")


def _cut_json(exchange: Exchange, rows: int) -> Cut | None:
    """Cut between the records of JSON; None if it has none."""
    if _kind(exchange.content_type) != "application/json":
        return None
    body = json.loads(exchange.request)
    records = body.get("instances") if isinstance(body, dict) else body
    if not isinstance(records, list) or len(records) != rows:
        return None
    return lambda start, stop: (
        json.dumps({"instances": records[start:stop]}, ensure_ascii=False),
        "application/json",
    )


def _write_anew(exchange: Exchange) -> Cut:
    return lambda start, stop: (_csv(exchange.cells, start, stop), "text/csv")


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
