"""What a request asks of the model: its rows, laid out as the model reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast, runtime_checkable

import numpy as np

from headrace.ml.arrays import Floats, Labels
from headrace.ml.row_blocks import NO_WORD, UNUSUAL, BlockReader
from headrace.ml.rows import Columns, read_columns
from sagemaker_jobs.engines import names_by_input
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.serve_model.answers import AnswerForm
from sagemaker_jobs.serve_model.images import image_check
from sagemaker_jobs.serve_model.quick_requests import quick_reader
from sagemaker_jobs.serve_model.requests import CONTENT_TYPES, Cells, media_type, read_cells

Laid: TypeAlias = tuple[Floats, Labels] | Columns
"""Rows as matrices of numbers and of words, or column by column."""

_WARM_UP_ROWS = 2


@runtime_checkable
class MatrixPredictor(Protocol):
    """A predictor that can be asked by matrices, which costs less than column by column."""

    @property
    def number_names(self) -> tuple[str, ...]:
        """The features that are numbers to the model."""
        ...

    @property
    def word_names(self) -> tuple[str, ...]:
        """The features that are words to the model."""
        ...

    def predict_arrays(self, numbers: Floats, words: Labels) -> Floats:
        """Answer rows of numbers, NaN if missing, and words, empty if missing; the names say which column is which."""
        ...


@dataclass(slots=True)
class Question:
    """A request that was read.

    Parameters
    ----------
    body : bytes
        As it came.
    content_type : str
        As it was named.
    inference_id : str
        The caller's own id, or empty.
    form : AnswerForm
        How the answer is to be written.
    rows : Laid
        What the model is asked.
    """

    body: bytes
    content_type: str
    inference_id: str
    form: AnswerForm
    rows: Laid


class Questioner:
    """Reads requests for a model, and asks it.

    Plain requests are read in one go. What is unusual in a request, or wrong, is read cell by cell: the answer is the same,
    or says what is wrong and where.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._check = image_check(predictor.schema)
        self._read_cells = _cell_reader(predictor)
        names = [column.name for column in predictor.schema]
        readers = (
            {} if _is_particular(predictor) else {kind: quick_reader(kind, names) for kind in CONTENT_TYPES}
        )
        self._quick = {kind: read for kind, read in readers.items() if read is not None}
        blocks = BlockReader(predictor.schema)
        self._matrices = _by_matrices(predictor)
        self._lay_out: Callable[..., Laid] = blocks.arrays if self._matrices else blocks.columns

    def read(self, body: bytes, content_type: str) -> Laid:
        """Return the rows of a request.

        Raises
        ------
        RequestError, CellError
            If they cannot be read.
        """
        quick = self._quick.get(media_type(content_type))
        if quick is not None:
            try:
                return self._lay_out(*quick(body))
            except UNUSUAL:
                pass
        columns = read_columns(self._read_cells(body, content_type)[1], self._predictor.schema)
        self._check(columns)
        return columns

    def cells(self, body: bytes, content_type: str) -> Cells:
        """Return the raw cells of a request that was read before, as its sender wrote them."""
        return self._read_cells(body, content_type)[0]

    def ask(self, rows: Laid) -> Floats:
        """Return numbers of shape (n_rows,), or probabilities of shape (n_rows, n_classes)."""
        if self._matrices is not None and isinstance(rows, tuple):
            return self._matrices.predict_arrays(*rows)
        return self._predictor.predict(cast(Columns, rows))

    def warm_up(self) -> list[Laid]:
        """Return rows of missing cells, laid out in every way in which the model may be asked."""
        cells: Cells = {column.name: [None] * _WARM_UP_ROWS for column in self._predictor.schema}
        columns = read_columns(cells, self._predictor.schema)
        if self._matrices is None:
            return [columns]
        numbers = np.full((_WARM_UP_ROWS, len(self._matrices.number_names)), np.nan)
        words = np.full((_WARM_UP_ROWS, len(self._matrices.word_names)), NO_WORD, dtype=object)
        return [columns, (numbers, words)]


def row_count(rows: Laid) -> int:
    """Return how many rows there are."""
    return len(rows[0]) if isinstance(rows, tuple) else len(next(iter(rows.values())))


def joined(several: Sequence[Laid]) -> list[tuple[Laid, list[int]]]:
    """Return rows of several requests as few requests, each with the places of those that it is made of.

    Examples
    --------
    >>> one, other = (({"temp": np.array(temps)}) for temps in ([1.0], [2.0, 3.0]))
    >>> joined([one, other])
    [({'temp': array([1., 2., 3.])}, [0, 1])]
    """
    matrices = {place: rows for place, rows in enumerate(several) if isinstance(rows, tuple)}
    columns = {place: rows for place, rows in enumerate(several) if not isinstance(rows, tuple)}
    made: list[tuple[Laid, list[int]]] = []
    if matrices:
        numbers, words = (np.concatenate(side) for side in zip(*matrices.values(), strict=True))
        made.append(((numbers, words), list(matrices)))
    if columns:
        names = next(iter(columns.values()))
        whole = {name: np.concatenate([rows[name] for rows in columns.values()]) for name in names}
        made.append((whole, list(columns)))
    return made


def _by_matrices(predictor: Predictor) -> MatrixPredictor | None:
    """Return a model that can be asked by matrices, if it has the features in them that are read into them."""
    if not isinstance(predictor, MatrixPredictor):
        return None
    mine = predictor.number_names, predictor.word_names
    return predictor if mine == names_by_input(predictor.schema) else None


def _is_particular(predictor: Predictor) -> bool:
    """Tell whether requests need more than reading: cleaning, or opening pictures."""
    return bool(predictor.steps) or any(column.kind == "image" for column in predictor.schema)


def _cell_reader(predictor: Predictor) -> Callable[[bytes, str], tuple[Cells, Cells]]:
    """Return what reads the cells of a request as they came, and as the model reads them."""
    if not predictor.steps:
        return lambda body, content_type: (read_cells(body, content_type, predictor.schema),) * 2
    # Arrow, which cleaning needs, is loaded by servers of models with steps only.
    from headrace.ml.request_cleaning import RequestCleaning  # noqa: PLC0415
    from sagemaker_jobs.serve_model.cleaned_requests import read_cleaned  # noqa: PLC0415

    cleaning = RequestCleaning(predictor.schema, predictor.steps)
    return lambda body, content_type: read_cleaned(body, content_type, cleaning)
