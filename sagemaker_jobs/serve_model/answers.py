"""Writes answers in the form that the caller accepts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import numpy as np

from headrace.ml.arrays import Floats
from sagemaker_jobs.model import as_documents

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"


class AcceptError(ValueError):
    """The caller accepts nothing that this server writes."""


def choose_type(accept: str, content_type: str) -> str:
    """Return the media type to answer in: the first that the caller names, or the kind in which it asked.

    Raises
    ------
    AcceptError
        If nothing that the caller names can be written.

    Examples
    --------
    >>> choose_type("*/*", "text/csv; charset=utf-8"), choose_type("application/json", "text/csv")
    ('text/csv', 'application/json')
    """
    asked_in_csv = content_type.partition(";")[0].strip().lower() in ("", CSV)
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for name in named:
        if name in ("", "*/*"):
            return CSV if asked_in_csv else JSON
        if name in (CSV, JSON, JSON_LINES):
            return name
        if name in ("text/*", "application/*"):
            return CSV if name == "text/*" else JSON
    raise AcceptError(f"answers are written as {CSV}, {JSON} or {JSON_LINES}")


def write_answer(values: Floats, classes: Sequence[str], media_type: str) -> bytes:
    r"""Return the body of the answer.

    Parameters
    ----------
    values : ndarray of shape (n_rows,) or (n_rows, n_classes)
        Numbers, or the probabilities of `classes`.
    classes : sequence of str
        Labels; empty in a regression.
    media_type : str
        ``text/csv``: one line per row, a number, or a label and its probability. ``application/json``:
        ``{"predictions": [{"score": ...}]}``, or ``{"predictions": [{"label": ..., "probabilities": {...}}]}``.
        ``application/jsonlines``: one such prediction per line, as transform jobs join them to their rows.

    Examples
    --------
    >>> write_answer(np.array([12.5, 80.0]), (), "text/csv")
    b'12.5\n80.0\n'
    >>> write_answer(np.array([[0.25, 0.75]]), ("no", "yes"), "text/csv")
    b'yes,0.75\n'
    >>> write_answer(np.array([12.5, 80.0]), (), "application/jsonlines")
    b'{"score": 12.5}\n{"score": 80.0}\n'
    """
    if media_type == JSON_LINES:
        documents = as_documents(values, classes)
        return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in documents).encode()
    if media_type == JSON:
        return json.dumps({"predictions": as_documents(values, classes)}, ensure_ascii=False).encode()
    if not classes:
        return "".join(f"{value!r}\n" for value in values.tolist()).encode()
    best = np.argmax(values, axis=1)
    text = io.StringIO()
    rows = zip(best.tolist(), values[np.arange(len(best)), best].tolist(), strict=True)
    csv.writer(text, lineterminator="\n").writerows([classes[index], repr(value)] for index, value in rows)
    return text.getvalue().encode()
