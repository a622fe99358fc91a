"""Makes records that a transform job can send to the model of the rows of a file, and names the rows that it cannot.

A transform job fails as a whole if the model refuses a single record, so every row is judged beforehand, by what requests are
judged by: a cell must be of its feature's kind. The cells are sent as they were written, and the server cleans them as it
cleans those of any request; nothing is cleaned twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from headrace.ml.batch.members import FEATURES, KEPT, ROW
from headrace.ml.cleaning import clean
from headrace.ml.cleaning_steps.chain import added_columns
from headrace.ml.cleaning_steps.registry import find_step
from headrace.ml.contract import Contract
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.refused_file import refused_table
from headrace.ml.rejections import Rejections
from headrace.ml.request_cleaning import RequestCleaning
from headrace.ml.text_table import TextTable

_NAMED = 10


@dataclass(frozen=True)
class Judged:
    """Rows of a file.

    Parameters
    ----------
    records : list of bytes
        JSON lines without their ends, of the rows that can be answered.
    rejections : Rejections
        Of the others, in the order of the file.
    rejected : pyarrow.Table or None
        Those as they were, with number, column and reason in front; None if there are none.
    """

    records: list[bytes]
    rejections: Rejections
    rejected: pa.Table | None


@dataclass(frozen=True)
class Asking:
    r"""What is asked of a file's rows, and what is kept of them.

    Parameters
    ----------
    cleaning : RequestCleaning
        The model's features, and the steps that cleaned the rows of its training.
    names : tuple of str
        Columns of the file.
    beside : tuple of str
        Columns that stand beside the predictions; empty for the row's number.
    id : str or None
        The column that identifies a row, if the file has it.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.files.small import read_bytes
    >>> asking = Asking.of(RequestCleaning((ColumnSchema("temp", "number"),)), ["id", "temp"], (), "id")
    >>> judged = asking.judge(read_bytes(b"id,temp\na,0.3\nb,warm\n"))
    >>> judged.records
    [b'{"row": 1, "features": {"temp": "0.3"}, "kept": {"id": "a"}}']
    >>> [str(each) for each in judged.rejections]
    ["row 2, column 'temp' (text) is no finite number"]
    """

    cleaning: RequestCleaning
    names: tuple[str, ...]
    beside: tuple[str, ...]
    id: str | None

    @classmethod
    def of(
        cls,
        cleaning: RequestCleaning,
        names: Sequence[str],
        columns: Sequence[str] | Literal["all"],
        id: str | None,
    ) -> Asking:
        """Return what a file with the columns `names` is asked.

        Raises
        ------
        FileRefusedError
            If it lacks a feature, or one of the `columns` that are to stand beside the predictions.
        """
        cleaning = _as_sent(cleaning, names)
        id = id if id in names else None
        own = tuple(names) if columns == "all" else tuple(columns)
        _require([column.name for column in cleaning.wanted], names, "the model needs")
        _require(own, names, "endpoint.batch.columns names")
        return cls(cleaning, tuple(names), own or ((id,) if id else ()), id)

    def judge(self, table: TextTable) -> Judged:
        """Judge some rows of the file.

        Raises
        ------
        CleaningStepError
            If a cleaning step fails.
        """
        cleaned = clean(table, self._contract)
        places = np.searchsorted(table.row_numbers, cleaned.row_numbers)
        records = list(self._records(table.cells.take(places), cleaned.row_numbers.tolist()))
        found = cleaned.rejections
        rejected = refused_table(found, cleaned.rejected_text, self.names) if len(found) else None
        return Judged(records, found, rejected)

    @cached_property
    def _contract(self) -> Contract:
        """What requests are judged by: each feature's kind, and no rule beyond; rows are not filtered."""
        steps = tuple(step for step in self.cleaning.steps if not find_step(step.name).filters)
        made = added_columns(steps)
        columns = tuple(replace(column, made_of=made.get(column.name)) for column in self.cleaning.schema)
        return Contract("regression", columns, steps=steps)

    def _records(self, cells: Any, numbers: list[int]) -> Iterator[bytes]:
        features = [column.name for column in self.cleaning.wanted]
        wanted = [*self.beside, *([self.id] if self.id else [])]
        kept = [name for name in dict.fromkeys(wanted) if name not in features]
        rows = cells.select([*features, *kept]).to_pylist()
        for number, row in zip(numbers, rows, strict=True):
            record: dict[str, Any] = {ROW: number, FEATURES: {name: row[name] for name in features}}
            if kept:
                record[KEPT] = {name: row[name] for name in kept}
            yield json.dumps(record, ensure_ascii=False).encode()


def _as_sent(cleaning: RequestCleaning, names: Sequence[str]) -> RequestCleaning:
    """Return how a file is read: one that has the columns which steps make, instead of what they are made of, is clean."""
    wanted, made = ({column.name for column in columns} for columns in (cleaning.wanted, cleaning.schema))
    if not wanted <= set(names) and made <= set(names):
        return RequestCleaning(cleaning.schema)
    return cleaning


def _require(wanted: Sequence[str], names: Sequence[str], who: str) -> None:
    if missing := [name for name in wanted if name not in names]:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        listed = ", ".join(map(repr, missing[:_NAMED]))
        why = f"the file lacks columns that {who}: {listed}{more}; leave cells empty that are not known"
        raise FileRefusedError(FileReason.CONTRACT_MISSING_COLUMN, why)
