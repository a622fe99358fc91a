"""Writes the file of predictions: what identifies each row, and what the model answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.batch.members import ANSWER, FEATURES, KEPT, ROW
from headrace.ml.table_names import free_name

Format = Literal["csv", "jsonlines", "parquet"]
SUFFIXES: dict[Format, str] = {"csv": "csv", "jsonlines": "jsonl", "parquet": "parquet"}

Record = Mapping[str, Any]
"""A record with the answer that SageMaker has joined to it."""


@dataclass(frozen=True)
class Layout:
    """Columns of a file of predictions.

    Parameters
    ----------
    beside : tuple of str
        Columns of the file of rows; empty for the row's number.
    classes : tuple of str
        The labels of the model, sorted; empty for numbers.

    Examples
    --------
    >>> layout = Layout(("id",), ("no", "yes"))
    >>> layout.names
    ('id', 'prediction', 'probability', 'probability_no', 'probability_yes')
    >>> answer = {"label": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}
    >>> layout.cells({"row": 1, "features": {"temp": "0.3"}, "kept": {"id": "a"}, "SageMakerOutput": answer})
    ['a', 'yes', 0.75, 0.25, 0.75]
    >>> Layout((), ()).cells({"row": 1, "features": {}, "SageMakerOutput": {"score": 12.5}})
    [1, 12.5]
    """

    beside: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, all different."""
        names = list(self.beside or (ROW,))
        for stem in self._answers:
            names.append(free_name(stem, names))
        return tuple(names)

    @property
    def types(self) -> tuple[pa.DataType, ...]:
        """What Parquet holds them as: what stands beside predictions is text, as it was written."""
        known = [pa.string() for _ in self.beside] or [pa.int64()]
        answers = [pa.string(), *[pa.float64()] * (1 + len(self.classes))] if self.classes else [pa.float64()]
        return (*known, *answers)

    def cells(self, record: Record) -> list[Any]:
        """Return the cells of one row."""
        features, kept, answer = record[FEATURES], record.get(KEPT, {}), record[ANSWER]
        known = [kept[name] if name in kept else features[name] for name in self.beside] or [record[ROW]]
        if not self.classes:
            return [*known, answer["score"]]
        label, probabilities = answer["label"], answer["probabilities"]
        return [*known, label, probabilities[label], *(probabilities[name] for name in self.classes)]

    @property
    def _answers(self) -> tuple[str, ...]:
        if not self.classes:
            return ("prediction",)
        return ("prediction", "probability", *(f"probability_{name}" for name in self.classes))


class ResultFile:
    """A file of predictions that is written some rows at a time.

    Parameters
    ----------
    path : Path
        Where it is written; a file without rows has its columns alone.
    layout : Layout
        Its columns.
    format : {"csv", "jsonlines", "parquet"}
        What it is.
    """

    def __init__(self, path: Path, layout: Layout, format: Format) -> None:
        self.path = path
        self._layout = layout
        self._add = {"csv": self._csv, "jsonlines": self._json_lines, "parquet": self._parquet}[format]
        self._schema = pa.schema(list(zip(layout.names, layout.types, strict=True)))
        self._parquet_writer = (
            pq.ParquetWriter(path, self._schema, compression="snappy") if format == "parquet" else None
        )
        self._stream = None if self._parquet_writer else path.open("w", encoding="utf-8", newline="")
        if format == "csv":
            csv.writer(self._stream, lineterminator="\n").writerow(layout.names)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._parquet_writer, self._stream):
            if each:
                each.close()

    def add(self, records: Sequence[Record]) -> None:
        """Append rows."""
        self._add([self._layout.cells(record) for record in records])

    def _csv(self, rows: list[list[Any]]) -> None:
        csv.writer(self._stream, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]

    def _json_lines(self, rows: list[list[Any]]) -> None:
        lines = (
            json.dumps(dict(zip(self._layout.names, row, strict=True)), ensure_ascii=False) for row in rows
        )
        assert self._stream
        self._stream.writelines(chain.from_iterable((line, "\n") for line in lines))

    def _parquet(self, rows: list[list[Any]]) -> None:
        assert self._parquet_writer
        columns = zip(*rows, strict=True) if rows else [[]] * len(self._schema)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, self._layout.types, strict=True)]
        self._parquet_writer.write_table(pa.table(arrays, schema=self._schema))
