"""Runs declared steps one after the other on a block of text cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cleaning_steps.registry import CleaningStepError, Step, find_step
from headrace.ml.declared_steps import DeclaredStep


@dataclass(frozen=True)
class Stepped:
    """Cells after all steps.

    Parameters
    ----------
    cells : pyarrow.Table
        As many rows as before, as text; columns that steps have added are last.
    kept : pyarrow.ChunkedArray or None
        Which rows the filters keep; None if all are.
    """

    cells: pa.Table
    kept: pa.ChunkedArray | None = None


def apply_steps(cells: pa.Table, steps: Sequence[DeclaredStep], *, filters: bool = True) -> Stepped:
    """Run `steps` in their order. Columns that the table lacks are passed over.

    Parameters
    ----------
    cells : pyarrow.Table
        Text; null is a missing cell.
    steps : sequence of DeclaredStep
        What to do.
    filters : bool
        Whether rows are filtered; requests are not.

    Raises
    ------
    CleaningStepError
        If a step is unknown or fails.

    Examples
    --------
    >>> upper = DeclaredStep("normalise_text", ("a",), {"case": "upper"})
    >>> apply_steps(pa.table({"a": ["x"], "b": ["y"]}), [upper]).cells.to_pylist()
    [{'a': 'X', 'b': 'y'}]
    """
    kept: list[pa.ChunkedArray] = []
    for declared in steps:
        step = find_step(declared.name)
        if step.filters and not filters:
            continue
        made = _run(step, declared, cells)
        if step.filters:
            kept += made.columns
        else:
            cells = made
    return Stepped(cells, reduce(pc.and_, map(_sure, kept)) if kept else None)


def learned_steps(cells: pa.Table, steps: Sequence[DeclaredStep]) -> tuple[DeclaredStep, ...]:
    """Return the steps with what they learn from the first rows, each after those before it.

    Raises
    ------
    CleaningStepError
        If a step is unknown or fails.
    """
    found: list[DeclaredStep] = []
    for declared in steps:
        step = find_step(declared.name)
        if step.learn and not declared.learned:
            columns = _columns(declared, cells)
            learned = {name: step.learn(cells.column(name), **declared.parameters) for name in columns}
            declared = replace(declared, learned={name: what for name, what in learned.items() if what})  # noqa: PLW2901
        found.append(declared)
        cells = apply_steps(cells, found[-1:]).cells
    return tuple(found)


def added_columns(steps: Sequence[DeclaredStep]) -> dict[str, str]:
    """Return the columns that `steps` add, each with the one that it is made of."""
    found = {}
    for declared in steps:
        step = find_step(declared.name)
        if step.adds:
            for column in declared.columns:
                found.update(dict.fromkeys(step.adds(column, **declared.parameters), column))
    return found


def _columns(declared: DeclaredStep, cells: pa.Table) -> list[str]:
    names = cells.column_names
    return [name for name in declared.columns if name in names] if declared.columns else names


def _run(step: Step, declared: DeclaredStep, cells: pa.Table) -> pa.Table:
    """Run a step; a failure is told by its kind alone, because its text may repeat a cell."""
    try:
        made = step.run(cells, _columns(declared, cells), declared.parameters, declared.learned)
    except Exception as error:
        raise CleaningStepError(f"the cleaning step {step.name!r} failed: {type(error).__name__}") from None
    if made.num_columns and made.num_rows != cells.num_rows:
        raise CleaningStepError(
            f"the cleaning step {step.name!r} returned {made.num_rows} rows for {cells.num_rows}"
        )
    return made


def _sure(kept: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(kept, True)
