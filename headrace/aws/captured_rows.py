"""Rows and predictions inside captured requests, whatever form the caller chose."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.aws.capture import Capture, CaptureError, Payload

Columns = dict[str, list[Any]]
"""One list of raw cells per feature: text from CSV, JSON's own values from JSON; None for a missing cell."""

# A text or an image in base64 is longer than what the csv module takes unasked.
csv.field_size_limit(6 * 2**20)

_JSON_LINES = {"application/jsonlines", "application/x-jsonlines", "application/jsonl"}
_WHOLE_BODIES = ("text/plain", "image/png", "image/jpeg")
_MISSING = ("", None)
_TWO = 2
_NAN = float("nan")


@dataclass(frozen=True)
class Answers:
    """What was answered, row by row.

    Parameters
    ----------
    predictions : list of str or None
        The label, or the number, as it was written; None if a row has neither.
    scores : list of float
        The number; of two classes the probability of the second one, which is the positive one; of more classes that of
        the label that was answered. NaN if it is not known.
    """

    predictions: list[str | None]
    scores: list[float]


def read_rows(capture: Capture, features: Sequence[str], *, beside: Sequence[str] = ()) -> Columns:
    r"""Return what the model was asked, by feature.

    Parameters
    ----------
    capture : Capture
        CSV with or without a header, JSON records, ``instances`` or ``columns``, JSON lines, or one text or image.
    features : sequence of str
        Names of the model's features, in the order of its schema. Columns of other names are dropped; a feature
        that the caller left out is missing in every row.
    beside : sequence of str
        Names of further columns, which are taken if the caller names them.

    Returns
    -------
    dict of str to list
        One list per feature and per column beside them, all equally long.

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
    try:
        rows = _rows(capture.request, features)
        columns: Columns = {name: [row.get(name) for row in rows] for name in (*features, *beside)}
    except (TypeError, AttributeError, csv.Error) as error:
        raise CaptureError("the request is in no form that the endpoint reads") from error
    return {name: [None if cell in _MISSING else cell for cell in cells] for name, cells in columns.items()}


def read_answers(capture: Capture, classes: Sequence[str] = (), threshold: float | None = None) -> Answers:
    r"""Return what was answered: a prediction and its score for each row.

    Parameters
    ----------
    capture : Capture
        CSV with a number, or a label and its probability, in each line; or JSON as the endpoint writes it.
    classes : sequence of str
        The labels of the model, sorted; empty for numbers, or if they are not known.
    threshold : float, optional
        Of two labels: the probability from which the second one is answered. It is needed where probabilities alone were.

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
    >>> read_answers(answered("text/csv", "12.5\n80.1\n"))
    Answers(predictions=['12.5', '80.1'], scores=[12.5, 80.1])
    >>> read_answers(answered("text/csv", "no,0.75\n"), ["no", "yes"])
    Answers(predictions=['no'], scores=[0.25])
    >>> read_answers(answered("application/json", '{"predictions": [{"score": 12.5}]}'))
    Answers(predictions=['12.5'], scores=[12.5])
    >>> read_answers(answered("application/jsonlines", '{"score": 12.5}\n{"score": 80.1}\n'))
    Answers(predictions=['12.5', '80.1'], scores=[12.5, 80.1])
    """
    try:
        if capture.response.content_type == "text/csv":
            return _csv_answers(capture.response, classes, threshold)
        return _json_answers(capture.response, classes, threshold)
    except (TypeError, AttributeError, csv.Error) as error:
        raise CaptureError("the response is in no form that the endpoint writes") from error


def _csv_answers(response: Payload, classes: Sequence[str], threshold: float | None) -> Answers:
    rows = _split(response.text)
    if response.output == "probabilities":
        return _of_probabilities([list(map(_number, row)) for row in rows], classes, threshold)
    predictions = [row[0] for row in rows]
    if any(len(row) > 1 for row in rows):
        probabilities = [_number(row[1]) if len(row) > 1 else _NAN for row in rows]
        return Answers(list(predictions), _scores(predictions, probabilities, classes))
    unscored = response.output == "labels"  # a label may look like a number
    return Answers(list(predictions), [_NAN if unscored else _number(cell) for cell in predictions])


def _of_probabilities(rows: list[list[float]], classes: Sequence[str], threshold: float | None) -> Answers:
    """Return the class that each row was answered, if the classes are known, and its score."""
    best = [max(row) for row in rows]
    known = classes and all(len(row) == len(classes) for row in rows)
    predictions = [classes[_place(row, threshold)] if known else None for row in rows]
    scores = [row[1] if len(row) == _TWO else top for row, top in zip(rows, best, strict=True)]
    return Answers(predictions, scores)


def _place(probabilities: Sequence[float], threshold: float | None) -> int:
    """Return the place of the class that is answered."""
    if threshold is None or len(probabilities) != _TWO:
        return probabilities.index(max(probabilities))
    return int(probabilities[1] >= threshold)


def _split(text: str) -> list[list[str]]:
    if '"' in text or "\r" in text:
        return [row for row in csv.reader(io.StringIO(text)) if row]
    return [line.split(",") for line in text.split("\n") if line]


def _scores(labels: list[str], probabilities: list[float], classes: Sequence[str]) -> list[float]:
    """Return of two classes the probability of the second, of more that of the label."""
    if len(classes) != _TWO:
        return probabilities
    return [
        probability if label == classes[1] else 1 - probability
        for label, probability in zip(labels, probabilities, strict=True)
    ]


def _json_answers(response: Payload, classes: Sequence[str], threshold: float | None) -> Answers:
    if response.content_type in _JSON_LINES:
        values: Any = [_json(line) for line in response.text.split("\n") if line.strip()]
    else:
        answer = _json(response.text)
        values = answer.get("predictions") if isinstance(answer, dict) else answer
    if not isinstance(values, list):
        raise CaptureError("the response holds no list of predictions")
    pairs = [_prediction(value, classes, threshold) for value in values]
    unscored = response.output == "labels"
    return Answers(
        [prediction for prediction, _ in pairs], [_NAN if unscored else score for _, score in pairs]
    )


def _prediction(value: Any, classes: Sequence[str], threshold: float | None) -> tuple[str | None, float]:
    if not isinstance(value, dict):
        return _written(value), _number(value)
    found = next((value[name] for name in ("prediction", "score", "label") if name in value), None)
    probabilities = value.get("probabilities")
    if not isinstance(probabilities, dict):
        return _written(found), _number(value.get("score", found))
    labels = list(classes) or sorted(probabilities)
    if found is None and probabilities:
        found = labels[_place([_number(probabilities.get(label)) for label in labels], threshold)]
    asked = labels[1] if len(labels) == _TWO else found
    return _written(found), _number(probabilities.get(asked))


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return repr(value) if type(value) is float else json.dumps(value)  # the same, and quicker


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return _NAN


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
        body = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(body, ensure_ascii=False).encode()  # half of a pair of escapes is no character
    except (ValueError, RecursionError) as error:
        raise CaptureError("the body is not JSON") from error
    return body
