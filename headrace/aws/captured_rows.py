"""Rows and predictions inside captured requests, whatever form the caller chose."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.aws.capture import Capture, CaptureError, Payload

Columns = dict[str, list[Any]]
"""One list of raw cells per feature: text from CSV, JSON's own values from JSON; None for a missing cell."""

# A text or an image in base64 is longer than what the csv module takes unasked.
csv.field_size_limit(6 * 2**20)

_JSON_LINES = {"application/jsonlines", "application/x-jsonlines", "application/jsonl"}
_WHOLE_BODIES = ("text/plain", "image/png", "image/jpeg")
_MISSING = ("", None)


def read_rows(capture: Capture, features: Sequence[str]) -> Columns:
    r"""Return what the model was asked, by feature.

    Parameters
    ----------
    capture : Capture
        CSV with or without a header, JSON records, ``instances`` or ``columns``, JSON lines, or one text or image.
    features : sequence of str
        Names of the model's features, in the order of its schema. Columns of other names are dropped; a feature
        that the caller left out is missing in every row.

    Returns
    -------
    dict of str to list
        One list per feature, all equally long.

    Raises
    ------
    CaptureError
        If the body does not fit the schema; the text repeats no value.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> def asked(content_type, text):
    ...     body = Payload(content_type, text)
    ...     return Capture("e1", None, datetime(2026, 1, 31, tzinfo=UTC), body, Payload("text/csv", ""))
    >>> read_rows(asked("text/csv", "0.3,5\n0.4,\n"), ["temp", "hr"])
    {'temp': ['0.3', '0.4'], 'hr': ['5', None]}
    >>> read_rows(asked("text/csv", "hr,day,temp\n5,1,0.3\n"), ["temp", "hr"])
    {'temp': ['0.3'], 'hr': ['5']}
    >>> read_rows(asked("application/json", '{"instances": [{"temp": 0.3, "hr": 5}]}'), ["temp", "hr"])
    {'temp': [0.3], 'hr': [5]}
    """
    rows = _rows(capture.request, features)
    columns: Columns = {name: [] for name in features}
    for row in rows:
        for name in features:
            cell = row.get(name)
            columns[name].append(None if cell in _MISSING else cell)
    return columns


def read_predictions(capture: Capture) -> list[Any]:
    r"""Return the predictions that were answered: one number or one label per row.

    Raises
    ------
    CaptureError
        If the response is in no form that the serving image answers in.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> def answered(content_type, text):
    ...     body = Payload(content_type, text)
    ...     return Capture("e1", None, datetime(2026, 1, 31, tzinfo=UTC), Payload("text/csv", ""), body)
    >>> read_predictions(answered("text/csv", "12.5\n80.1\n"))
    ['12.5', '80.1']
    >>> read_predictions(answered("application/json", '{"predictions": [{"score": 12.5}, {"score": 80.1}]}'))
    [12.5, 80.1]
    """
    if capture.response.content_type == "text/csv":
        return [row[0] for row in csv.reader(io.StringIO(capture.response.text)) if row]
    answer = _json(capture.response.text)
    values = answer.get("predictions") if isinstance(answer, dict) else answer
    if not isinstance(values, list):
        raise CaptureError("the response holds no list of predictions")
    return [_prediction(value) for value in values]


def _rows(request: Payload, features: Sequence[str]) -> list[Mapping[str, Any]]:
    if request.content_type == "text/csv":
        return _csv_rows(request.text, features)
    if request.content_type in _WHOLE_BODIES:
        return _records([[request.text]], features)
    if request.content_type in _JSON_LINES:
        return _records([_json(line) for line in request.text.split("\n") if line.strip()], features)
    body = _json(request.text)
    if isinstance(body, dict) and "columns" in body:
        return _records(body.get("data", body.get("rows", [])), body["columns"])
    if isinstance(body, dict):
        body = body.get("instances", [body])
    return _records(body, features)


def _csv_rows(text: str, features: Sequence[str]) -> list[Mapping[str, Any]]:
    lines = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not lines:
        return []
    names: Sequence[str] = features
    first = [cell.strip() for cell in lines[0]]
    if not set(features).isdisjoint(first):
        names, lines = first, lines[1:]
    return _records(lines, names)


def _records(rows: Any, names: Sequence[str]) -> list[Mapping[str, Any]]:
    if not isinstance(rows, list):
        raise CaptureError("the request holds no list of rows")
    return [_record(row, names) for row in rows]


def _record(row: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(row, dict):
        return row
    if not isinstance(row, list) or len(row) != len(names):
        raise CaptureError(f"a row is not {len(names)} cells, as the schema has columns")
    return dict(zip(names, row, strict=True))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CaptureError("the body is not JSON") from error


def _prediction(value: Any) -> Any:
    if isinstance(value, dict):
        return next((value[name] for name in ("prediction", "score", "label") if name in value), None)
    return value
