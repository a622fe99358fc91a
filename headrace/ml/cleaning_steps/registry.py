"""What a cleaning step is, and how one is found by its name.

A step sees text, column by column, and gives text back: what it does not understand it leaves as it is, and a cell that is
still wrong when the cells are typed has its row refused. A step knows nothing of other rows, so a block, a partition and a
request are cleaned alike.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

OWN = "pipelines.steps"
"""The package in which users keep steps of their own, a module each."""

Run = Callable[[pa.Table, Sequence[str], Mapping[str, Any], Mapping[str, Any]], pa.Table]
"""Table of text, columns, parameters, what was learned → table of text."""
Learn = Callable[..., Mapping[str, Any]]
Cells: TypeAlias = pa.ChunkedArray


class CleaningStepError(Exception):
    """A step is not there, or failed; the text names it and repeats no cell."""


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    name : str
        As in the pipeline file.
    function : callable
        What was registered: takes the cells of a column, and the parameters by name.
    run : callable
        Calls it for all columns. Returns a table with as many rows; for a filter, a column of true where a row is kept.
    learn : callable or None
        Takes a column of the first file and the parameters; what it returns is passed to `run` by name ever after.
    adds : callable or None
        Takes a column's name and the parameters, and returns the names of the columns that are added for it.
    filters : bool
        Whether it drops rows instead of changing cells. Requests are not filtered: each gets an answer.
    text_only : bool
        Whether it means text alone, and not numbers that a request gives as numbers.
    """

    name: str
    function: Callable[..., Any]
    run: Run
    learn: Learn | None = None
    adds: Callable[..., Sequence[str]] | None = None
    filters: bool = False
    text_only: bool = False


_STEPS: dict[str, Step] = {}


def cleaning_step(
    name: str, *, learn: Learn | None = None, text_only: bool = False
) -> Callable[[Callable[..., Cells]], Callable[..., Cells]]:
    """Register a function from the text cells of one column to text cells, parameters by name.

    Examples
    --------
    >>> import pyarrow.compute as pc
    >>> @cleaning_step("shout")
    ... def shout(cells, *, mark="!"):
    ...     return pc.binary_join_element_wise(pc.utf8_upper(cells), mark, "")
    >>> table = pa.table({"a": ["hey"], "b": ["you"]})
    >>> find_step("shout").run(table, ["a"], {"mark": "?"}, {}).to_pylist()
    [{'a': 'HEY?', 'b': 'you'}]
    """

    def register(function: Callable[..., Cells]) -> Callable[..., Cells]:
        def run(
            table: pa.Table,
            columns: Sequence[str],
            parameters: Mapping[str, Any],
            learned: Mapping[str, Any],
        ) -> pa.Table:
            for column in columns:
                place = table.column_names.index(column)
                cells = function(table.column(place), **{**parameters, **learned.get(column, {})})
                table = table.set_column(place, table.schema.field(place), cells)
            return table

        _STEPS[name] = Step(name, function, run, learn, text_only=text_only)
        return function

    return register


def column_step(
    name: str, *, adds: Callable[..., Sequence[str]], learn: Learn | None = None
) -> Callable[[Callable[..., Sequence[Cells]]], Callable[..., Sequence[Cells]]]:
    """Register a function from the text cells of one column to further columns of text, in the order of `adds`."""

    def register(function: Callable[..., Sequence[Cells]]) -> Callable[..., Sequence[Cells]]:
        def run(
            table: pa.Table,
            columns: Sequence[str],
            parameters: Mapping[str, Any],
            learned: Mapping[str, Any],
        ) -> pa.Table:
            for column in columns:
                made = function(table.column(column), **{**parameters, **learned.get(column, {})})
                for added, cells in zip(adds(column, **parameters), made, strict=True):
                    table = _with_column(table, added, cells)
            return table

        _STEPS[name] = Step(name, function, run, learn, adds)
        return function

    return register


def row_filter(name: str) -> Callable[[Callable[..., Cells]], Callable[..., Cells]]:
    """Register a function from the text cells of one column to booleans: which rows are kept; null keeps a row.

    A row is dropped if any of the step's columns says so.
    """

    def register(function: Callable[..., Cells]) -> Callable[..., Cells]:
        def run(
            table: pa.Table, columns: Sequence[str], parameters: Mapping[str, Any], _: Mapping[str, Any]
        ) -> pa.Table:
            return pa.table({column: function(table.column(column), **parameters) for column in columns})

        _STEPS[name] = Step(name, function, run, filters=True)
        return function

    return register


def find_step(name: str) -> Step:
    """Return the step called `name`: one of this package, or of the user's own ``pipelines/steps``.

    Raises
    ------
    CleaningStepError
        If there is none.
    """
    for package in (__package__, OWN):
        if name in _STEPS:
            break
        module = f"{package}.{name}"
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name not in (module, *_parents(module)):
                raise CleaningStepError(
                    f"the cleaning step {name!r} needs the module {error.name!r}"
                ) from None
    if name not in _STEPS:
        raise CleaningStepError(
            f"there is no cleaning step {name!r}; one of your own is in pipelines/steps/{name}.py"
        )
    return _STEPS[name]


def check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    """Compare what the pipeline file passes with what a step takes.

    Raises
    ------
    CleaningStepError
        If there is no such step, or it takes others.
    """
    try:
        inspect.signature(find_step(name).function).bind(None, **parameters)
    except TypeError as error:
        raise CleaningStepError(
            f"the cleaning step {name!r} does not take these parameters: {error}"
        ) from None


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _with_column(table: pa.Table, name: str, cells: Cells) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, cells)
    return table.append_column(name, cells)
