"""Writes answers in the form that the caller accepts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import orjson

from headrace.ml.arrays import Floats
from sagemaker_jobs.model import as_documents
from sagemaker_jobs.serve_model.requests import JSON_LINES as JSON_LINES_TYPES
from sagemaker_jobs.serve_model.requests import media_type

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
Output = Literal["both", "labels", "probabilities"]

_WRITTEN_AS = {
    CSV: CSV,
    "text/*": CSV,
    JSON: JSON,
    "application/*": JSON,
    **dict.fromkeys(JSON_LINES_TYPES, JSON_LINES),
}


class AcceptError(ValueError):
    """The caller accepts nothing that this server writes."""


@dataclass(frozen=True)
class AnswerForm:
    """How an answer is written.

    Parameters
    ----------
    media_type : {"text/csv", "application/json", "application/jsonlines"}
        In which format.
    output : {"both", "labels", "probabilities"}
        What of a classification.
    """

    media_type: str
    output: Output = "both"

    @property
    def content_type(self) -> str:
        """The header of the answer; it says what the answer holds where that is not the usual."""
        return self.media_type if self.output == "both" else f"{self.media_type}; output={self.output}"


def choose_form(accept: str, content_type: str, attributes: str = "") -> AnswerForm:
    """Return the form that the caller likes most, or else the one in which it asked.

    Parameters
    ----------
    accept : str
        ``Accept``: media types, of which those with the highest ``q`` and among them the first counts. ``output`` is a
        parameter of a media type.
    content_type : str
        ``Content-Type`` of the request.
    attributes : str
        ``X-Amzn-SageMaker-Custom-Attributes``: entries ``name=value``, of which ``output`` counts.

    Raises
    ------
    AcceptError
        If nothing that the caller names can be written.

    Examples
    --------
    >>> choose_form("*/*", "text/csv; charset=utf-8").media_type
    'text/csv'
    >>> choose_form("text/csv;q=0.5, application/json; output=labels", "text/csv")
    AnswerForm(media_type='application/json', output='labels')
    >>> choose_form("", "text/csv", "trace=7,output=probabilities").content_type
    'text/csv; output=probabilities'
    """
    asked_by_attributes = _parameters(attributes.replace(",", ";").split(";")).get("output", "both")
    for name, parameters in _by_preference(accept):
        if chosen := _written_as(name, content_type):
            return AnswerForm(chosen, _output(parameters.get("output", asked_by_attributes)))
    raise AcceptError(f"answers are written as {CSV}, {JSON} or {JSON_LINES}")


def _by_preference(accept: str) -> Iterable[tuple[str, dict[str, str]]]:
    named = []
    for part in accept.split(","):
        name, *rest = part.split(";")
        parameters = _parameters(rest)
        weight = _weight(parameters.get("q", "1"))
        if weight > 0:
            named.append((weight, name.strip().lower(), parameters))
    return ((name, parameters) for _, name, parameters in sorted(named, key=lambda each: -each[0]))


def _parameters(parts: Iterable[str]) -> dict[str, str]:
    pairs = (part.partition("=") for part in parts)
    return {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in pairs}


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _written_as(name: str, content_type: str) -> str | None:
    """Return the format that a name in ``Accept`` stands for; None if it is none that is written here."""
    if name in ("", "*/*"):
        return CSV if media_type(content_type) == CSV else JSON
    return _WRITTEN_AS.get(name)


def _output(name: str) -> Output:
    for output in get_args(Output):
        if name == output:
            return output  # type: ignore[no-any-return]
    raise AcceptError(f"output is one of {', '.join(get_args(Output))}")


class AnswerWriter:
    r"""Writes answers of one model.

    Parameters
    ----------
    classes : sequence of str
        Labels; empty in a regression.
    threshold : float, optional
        Of two labels: the probability from which the second one is answered; None answers the more probable one.

    Examples
    --------
    >>> import numpy as np
    >>> AnswerWriter(()).write(np.array([12.5, 80.0]), AnswerForm("text/csv"))
    b'12.5\n80.0\n'
    >>> AnswerWriter(("no", "yes")).write(np.array([[0.25, 0.75]]), AnswerForm("text/csv"))
    b'yes,0.75\n'
    >>> AnswerWriter(("no", "yes")).write(np.array([[0.25, 0.75]]), AnswerForm("application/json", "labels"))
    b'{"predictions":[{"label":"yes"}]}'
    >>> AnswerWriter(()).write(np.array([12.5, 80.0]), AnswerForm("application/jsonlines"))
    b'{"score":12.5}\n{"score":80.0}\n'
    """

    def __init__(self, classes: Sequence[str], threshold: float | None = None) -> None:
        self._classes, self._threshold = classes, threshold
        self._cells = [_as_cell(label) for label in classes]
        self._lines: dict[Output, Callable[[list[list[float]]], list[str]]] = {
            "both": self._labels_and_probabilities,
            "labels": lambda rows: [f"{self._cells[row.index(max(row))]}\n" for row in rows],
            "probabilities": lambda rows: [f"{','.join(_as_text(row))}\n" for row in rows],
        }
        if threshold is not None:
            decided = partial(self._decided_labels, threshold)
            self._lines |= {"both": partial(self._decided_and_probabilities, threshold), "labels": decided}

    def write(self, values: Floats, form: AnswerForm) -> bytes:
        """Return the body of an answer.

        Parameters
        ----------
        values : ndarray of shape (n_rows,) or (n_rows, n_classes)
            Numbers, or the probabilities of the classes.
        form : AnswerForm
            CSV has a line per row: a number; or a label and its probability, the label, or the probabilities of all
            classes in their order. JSON is ``{"predictions": [...]}`` with ``{"score": ...}``, or with ``label``,
            ``probabilities`` by class, or both. JSON Lines has a line per prediction.
        """
        rows = values.tolist()
        if form.media_type != CSV:
            return _as_json(self._documents(rows, form.output), form.media_type)
        lines = self._lines[form.output](rows) if self._classes else [f"{text}\n" for text in _as_text(rows)]
        return "".join(lines).encode()

    def _labels_and_probabilities(self, rows: list[list[float]]) -> list[str]:
        best = list(map(max, rows))
        found = zip(rows, best, _as_text(best), strict=True)
        return [f"{self._cells[row.index(top)]},{text}\n" for row, top, text in found]

    def _decided_labels(self, threshold: float, rows: list[list[float]]) -> list[str]:
        no, yes = (f"{cell}\n" for cell in self._cells)
        return [yes if row[1] >= threshold else no for row in rows]

    def _decided_and_probabilities(self, threshold: float, rows: list[list[float]]) -> list[str]:
        places = [row[1] >= threshold for row in rows]
        texts = _as_text([row[place] for row, place in zip(rows, places, strict=True)])
        return [f"{self._cells[place]},{text}\n" for place, text in zip(places, texts, strict=True)]

    def _documents(self, rows: list[Any], output: Output) -> list[dict[str, Any]]:
        classes = self._classes
        if output == "both" or not classes:
            return as_documents(rows, classes, self._threshold)
        if output == "labels" and self._threshold is not None:
            return [{"label": classes[row[1] >= self._threshold]} for row in rows]
        if output == "labels":
            return [{"label": classes[row.index(max(row))]} for row in rows]
        return [{"probabilities": dict(zip(classes, row, strict=True))} for row in rows]


def _as_text(numbers: list[float]) -> list[str]:
    """Return numbers with as many digits as tell them from all others; orjson writes them ten times as fast as `repr`."""
    text = orjson.dumps(numbers).decode()
    return text[1:-1].split(",") if "null" not in text else [repr(number) for number in numbers]


def _as_json(documents: list[dict[str, Any]], media_type: str) -> bytes:
    if media_type == JSON:
        return orjson.dumps({"predictions": documents})
    return b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents)


def _as_cell(label: str) -> str:
    """Return a label as a cell of CSV, in quotes where it needs them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([label])
    return text.getvalue()
