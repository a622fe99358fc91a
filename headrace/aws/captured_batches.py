"""Reads many captured requests together: what the same callers ask looks the same, and is parsed at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from headrace.aws.capture import Capture, CaptureError
from headrace.aws.captured_rows import Answers, read_answers, read_rows

Cells = Mapping[str, Sequence[Any] | pa.ChunkedArray]
"""One column of raw cells per feature: text where it was CSV, JSON's own values otherwise; all equally long."""

_SMALLEST_BLOCK = 2**16


@dataclass(frozen=True)
class Layout:
    """What is looked for in requests.

    Parameters
    ----------
    features : tuple of str
        Names of the model's features, in the order of its schema; empty if they are not known: no cells are read then.
    beside : tuple of str
        Names of further columns, which are taken if the caller names them.
    classes : tuple of str
        The labels of the model, sorted; empty for numbers, or if they are not known.
    threshold : float or None
        Of two labels: the probability from which the second one is answered; None answers the more probable one.
    """

    features: tuple[str, ...]
    beside: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True)
class Batch:
    """Requests that were read together, one after the other.

    Parameters
    ----------
    captures : list of Capture
        The requests.
    answers : list of Answers
        What each was answered, row by row.
    cells : mapping of str to column
        What was asked: the rows of all requests; empty if the features are not known.
    """

    captures: list[Capture]
    answers: list[Answers]
    cells: Cells


@dataclass(frozen=True)
class _Answered:
    capture: Capture
    answers: Answers

    @property
    def rows(self) -> int:
        return len(self.answers.predictions)


def read_batches(captures: Sequence[Capture], layout: Layout) -> tuple[list[Batch], int]:
    """Read requests and answers.

    Returns
    -------
    batches : list of Batch
        All requests that fit the layout and have as many answers as rows.
    unreadable : int
        How many do not.
    """
    answered = list(_answered(captures, layout))
    if not layout.features:
        return [_batch(answered, {})] if answered else [], len(captures) - len(answered)
    alike: dict[tuple[str, ...] | None, list[tuple[_Answered, str]]] = defaultdict(list)
    for each in answered:
        columns, rows = _plain_csv(each.capture, layout)
        alike[columns].append((each, rows))
    batches: list[Batch] = []
    for columns, members in alike.items():
        batches += _read_alike(columns, members, layout)
    return batches, len(captures) - sum(len(batch.captures) for batch in batches)


def _answered(captures: Sequence[Capture], layout: Layout) -> Iterator[_Answered]:
    for capture in captures:
        try:
            yield _Answered(capture, read_answers(capture, layout.classes, layout.threshold))
        except CaptureError:
            continue


def _batch(members: Sequence[_Answered], cells: Cells) -> Batch:
    return Batch([each.capture for each in members], [each.answers for each in members], cells)


def _plain_csv(capture: Capture, layout: Layout) -> tuple[tuple[str, ...] | None, str]:
    """Return the columns of a body that is CSV without quotes or blank lines, and its rows; None if it is another."""
    text = capture.request.text
    if capture.request.content_type != "text/csv" or '"' in text or "\r" in text or "\0" in text:
        return None, ""
    first, _, rest = text.partition("\n")
    names = _header(first, layout.features)
    if names is None:
        names, rest = layout.features, text
    if not rest or rest.startswith("\n") or "\n\n" in rest:
        return None, ""
    return names, rest if rest.endswith("\n") else f"{rest}\n"


@lru_cache(maxsize=64)  # callers send the same header over and over
def _header(first: str, features: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the columns that the first line names; None if it names no feature, and so is a row."""
    names = tuple(cell.strip() for cell in first.split(","))
    return None if set(features).isdisjoint(names) else names


def _read_alike(
    columns: tuple[str, ...] | None, members: Sequence[tuple[_Answered, str]], layout: Layout
) -> Iterator[Batch]:
    """Read bodies of the same columns together, or one by one if they are of no plain form or one of them is amiss."""
    if columns is not None and all(rows.count("\n") == each.rows for each, rows in members):
        cells = _csv_cells("".join(rows for _, rows in members), columns, layout)
        if cells is not None:
            yield _batch([each for each, _ in members], cells)
            return
    yield from _one_by_one([each for each, _ in members], layout)


def _csv_cells(body: str, columns: Sequence[str], layout: Layout) -> Cells | None:
    """Return the cells of plain CSV; None if a row has too few of them or too many."""
    data = body.encode()
    numbered = [str(place) for place in range(len(columns))]
    place = dict(zip(columns, numbered, strict=True))  # of columns of one name the last counts
    wanted = [place[name] for name in (*layout.features, *layout.beside) if name in place]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(
                column_names=numbered, use_threads=False, block_size=max(len(data), _SMALLEST_BLOCK)
            ),
            parse_options=pacsv.ParseOptions(quote_char=False),
            convert_options=pacsv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    absent = pa.chunked_array([pa.nulls(body.count("\n"), pa.string())])
    return {
        name: table.column(place[name]) if name in place else absent
        for name in (*layout.features, *layout.beside)
    }


def _one_by_one(members: Sequence[_Answered], layout: Layout) -> Iterator[Batch]:
    names = (*layout.features, *layout.beside)
    read: list[_Answered] = []
    cells: dict[str, list[Any]] = {name: [] for name in names}
    for each in members:
        try:
            asked = read_rows(each.capture, layout.features, beside=layout.beside)
        except CaptureError:
            continue
        if len(asked[names[0]]) == each.rows:
            read.append(each)
            for name in names:
                cells[name] += asked[name]
    if read:
        yield _batch(read, cells)
