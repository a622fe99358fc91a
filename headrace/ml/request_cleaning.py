"""Cleans the cells of a request by the steps that cleaned the rows of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from headrace.ml.cleaning_steps.chain import added_columns, apply_steps
from headrace.ml.cleaning_steps.registry import find_step
from headrace.ml.contract import ColumnSchema
from headrace.ml.declared_steps import DeclaredStep

Cells = Mapping[str, Sequence[Any]]
"""Raw cells by column: text from CSV, values from JSON, bytes of images; all columns equally long."""


@dataclass(frozen=True)
class RequestCleaning:
    """What a request is asked for, and what is made of it. Without steps, requests are as the model reads them.

    Parameters
    ----------
    schema : tuple of ColumnSchema
        The features of the model, in order.
    steps : tuple of DeclaredStep
        Of the contract that the rows of the training were cleaned against. Rows are not filtered: each gets an answer.

    Examples
    --------
    >>> steps = (
    ...     DeclaredStep("parse_numbers", ("rent",), {"decimal": ","}),
    ...     DeclaredStep("calendar", ("since",), {"parts": ["month"]}),
    ... )
    >>> schema = (ColumnSchema("rent", "number"), ColumnSchema("since_month", "number", made_of="since"))
    >>> cleaning = RequestCleaning(schema, steps)
    >>> [column.name for column in cleaning.wanted]
    ['rent', 'since']
    >>> cleaning.cleaned({"rent": ["910,5", None], "since": ["2025-06-15", None]})
    {'rent': ['910.5', None], 'since_month': ['6', None]}
    """

    schema: tuple[ColumnSchema, ...]
    steps: tuple[DeclaredStep, ...] = ()

    @cached_property
    def wanted(self) -> tuple[ColumnSchema, ...]:
        """Columns that a request has: the features, and instead of those that steps make what they are made of."""
        made = added_columns(self.steps)
        found: dict[str, ColumnSchema] = {}
        for column in self.schema:
            name = made.get(column.name, column.name)
            found.setdefault(name, column if name == column.name else ColumnSchema(name, "category"))
        return tuple(found.values())

    def cleaned(self, cells: Cells) -> dict[str, Sequence[Any]]:
        """Return the cells of the model's features; what no step changes stays as it was given.

        Raises
        ------
        CleaningStepError
            If a step fails.
        """
        given = {name: values for name, values in cells.items() if not _are_bytes(values)}
        text = {name: _as_text(values) for name, values in given.items()}
        numbers = {name for name, values in given.items() if any(map(_is_number, values))}
        made = apply_steps(
            pa.table(text), [self._for(step, text, numbers) for step in self.steps], filters=False
        )
        return {
            column.name: cells[column.name]
            if column.name in cells and _unchanged(made.cells, column.name, text)
            else made.cells.column(column.name).to_pylist()
            for column in self.schema
        }

    def _for(self, step: DeclaredStep, text: Mapping[str, Any], numbers: set[str]) -> DeclaredStep:
        """Return the step without the columns of numbers, if it is about text alone."""
        if not find_step(step.name).text_only:
            return step
        columns = tuple(name for name in step.columns or text if name not in numbers)
        return replace(step, columns=columns or ("",))


def _are_bytes(values: Sequence[Any]) -> bool:
    return any(isinstance(value, bytes) for value in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_text(values: Sequence[Any]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(map(_text, values), pa.string())])


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unchanged(made: pa.Table, name: str, text: Mapping[str, pa.ChunkedArray]) -> bool:
    return name not in text or made.column(name).equals(text[name])
