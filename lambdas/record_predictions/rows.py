"""Makes rows and a profile of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.aws.capture import Capture
from headrace.aws.captured_batches import Batch, Layout, read_batches
from headrace.aws.captured_profiles import CapturedProfile, Span
from headrace.ml.arrays import Ints
from headrace.ml.captured_cells import CapturedCells, typed_cells
from headrace.ml.cleaning import ARROW_TYPES
from headrace.ml.contract import ColumnSchema, Kind
from headrace.ml.deployed_model import DeployedModel
from headrace.ml.prediction_columns import COLUMNS
from headrace.ml.profile import Profile, profile_frame
from headrace.ml.rows import DTYPES, Columns
from headrace.ml.table_names import table_names
from lambdas.record_predictions.requests import Requests


@dataclass(frozen=True)
class Rows:
    """What was asked and answered in one portion.

    Parameters
    ----------
    table : Table
        A row for each prediction: the columns that all predictions have, then the model's features under the names that
        they have in the catalogue.
    profile : CapturedProfile or None
        Of the features and the predictions; None without a baseline.
    requests, unreadable : int
        Records that became rows, and those that are none or do not fit the schema.
    """

    table: pa.Table
    profile: CapturedProfile | None
    requests: int
    unreadable: int


def read_rows_of(requests: Requests, model: DeployedModel, entity: str | None) -> Rows:
    """Return the rows of `requests`, in the order of time, and their profile."""
    names = tuple(column.name for column in model.cleaning.wanted)
    beside = () if entity is None or entity in names else (entity,)
    captures = requests.captures
    batches, misfits = read_batches(captures, Layout(names, beside, model.classes, model.threshold))
    answered = _Answered.of(batches, captures)
    features = _features(batches, model, answered.row_order)
    unreadable = requests.unreadable + misfits
    profile = None
    if model.baseline:
        profile = CapturedProfile(
            _profile(features, answered, model.baseline),
            _span(answered.captures),
            len(answered.captures),
            unreadable,
            requests.duplicates,
        )
    table = _table(answered, _entities(batches, entity)[answered.row_order], features, model)
    return Rows(table, profile, len(answered.captures), unreadable)


@dataclass(frozen=True)
class _Answered:
    """Requests in the order of time, with their answers row by row; `row_order` says where rows are in the batches."""

    captures: list[Capture]
    counts: Ints
    labels: list[str | None]
    scores: list[float]
    row_order: Ints

    @classmethod
    def of(cls, batches: Sequence[Batch], in_time: Sequence[Capture]) -> Self:
        read = [pair for batch in batches for pair in zip(batch.captures, batch.answers, strict=True)]
        place = {capture.event_id: number for number, capture in enumerate(in_time)}
        order = np.argsort(np.array([place[capture.event_id] for capture, _ in read], dtype=np.int64))
        counts = np.array([len(answers.predictions) for _, answers in read], dtype=np.int64)
        starts = np.cumsum(counts) - counts
        ordered = [read[index] for index in order.tolist()]
        return cls(
            [capture for capture, _ in ordered],
            counts[order],
            [label for _, answers in ordered for label in answers.predictions],
            [score for _, answers in ordered for score in answers.scores],
            np.repeat(starts[order], counts[order]) + _places(counts[order]),
        )


def _places(counts: Ints) -> Ints:
    """Return the place of each row in its request.

    Examples
    --------
    >>> _places(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    before = np.cumsum(counts) - counts
    places: Ints = np.arange(counts.sum()) - np.repeat(before, counts)
    return places


def _features(batches: Sequence[Batch], model: DeployedModel, order: Ints) -> Columns:
    cells = [_cleaned(batch, model) for batch in batches]
    return {
        column.name: np.concatenate(
            [
                np.empty(0, DTYPES[column.kind]),
                *(typed_cells(each[column.name], column.kind) for each in cells),
            ]
        )[order]
        for column in model.cleaning.schema
    }


def _cleaned(batch: Batch, model: DeployedModel) -> Mapping[str, CapturedCells]:
    if not model.cleaning.steps:
        return batch.cells
    wanted = [column.name for column in model.cleaning.wanted]
    return model.cleaning.cleaned({name: _as_list(batch.cells[name]) for name in wanted})


def _as_list(cells: CapturedCells) -> Sequence[Any]:
    """Return the cells as cleaning takes them: None for an empty one."""
    return [cell or None for cell in cells.to_pylist()] if isinstance(cells, pa.ChunkedArray) else cells


def _profile(features: Columns, answered: _Answered, baseline: Profile) -> Profile:
    labels = None
    if baseline.prediction:
        labels = typed_cells(answered.labels, baseline.prediction.kind).tolist()
    return profile_frame(
        features,
        [ColumnSchema(column.name, column.kind) for column in baseline.features],
        predictions=labels,
        scores=answered.scores if baseline.score else None,
        like=baseline,
    )


def _span(captures: Sequence[Capture]) -> Span | None:
    return (captures[0].time, captures[-1].time) if captures else None


def _entities(batches: Sequence[Batch], entity: str | None) -> np.ndarray[Any, np.dtype[Any]]:
    """Return what each row is about, written as a category is; None for rows that do not say."""
    nobody = np.empty(0, dtype=object)
    found = [
        typed_cells(batch.cells[entity], "category")
        if entity is not None and entity in batch.cells
        else np.full(sum(len(answers.predictions) for answers in batch.answers), None)
        for batch in batches
    ]
    return np.concatenate([nobody, *found])


def _table(
    answered: _Answered, entities: np.ndarray[Any, np.dtype[Any]], features: Columns, model: DeployedModel
) -> pa.Table:
    captures, counts = answered.captures, answered.counts
    # Without a zone: Athena's timestamps have none.
    times = np.array([each.time.astimezone(UTC).replace(tzinfo=None) for each in captures], "datetime64[us]")
    known = {
        "_event_id": _repeated([each.event_id for each in captures], counts),
        "_inference_id": _repeated([each.inference_id for each in captures], counts),
        "_row": (np.repeat([each.first_row for each in captures], counts) + _places(counts)).astype(np.int32),
        "_time": np.repeat(times, counts),
        "_entity": entities,
        "_prediction": answered.labels,
        "_score": np.array(answered.scores, dtype=np.float64),
    }
    columns = {name: pa.array(known[name], kind, from_pandas=True) for name, kind in COLUMNS.items()}
    schema = model.cleaning.schema
    stored = table_names([column.name for column in schema], taken=COLUMNS)
    for column in schema:
        columns[stored[column.name]] = _stored(features[column.name], column.kind)
    return pa.table(columns)


def _repeated(values: Sequence[str | None], counts: Ints) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(np.repeat(np.arange(len(values)), counts)))


def _stored(cells: np.ndarray[Any, np.dtype[Any]], kind: Kind) -> pa.Array:
    if kind == "boolean":
        return pc.cast(pa.array(cells, pa.float64(), from_pandas=True), pa.bool_())
    return pa.array(cells, ARROW_TYPES[kind], from_pandas=True)
