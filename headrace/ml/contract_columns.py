"""What the pipeline file says about columns, and what a column is by that and by its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from headrace.ml.cleaning_steps.chain import added_columns
from headrace.ml.column_rules import NO_RULES, ColumnRules
from headrace.ml.column_schema import ColumnSchema, ContractError, Kind, Problem, Role
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.kinds import infer_kind
from headrace.ml.parts import PARTS


@dataclass(frozen=True)
class Fields:
    """What the pipeline file says about columns.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        What kind of answer is predicted.
    target : str
        The column to predict.
    id, time : str or None
        The columns that identify a row and say when. Neither is a feature; a `time` that is named in `columns` is
        one too, by its hour, weekday and month.
    group : str or None
        The column whose rows stay together when they are dealt. It is a feature unless it is ignored.
    part : str or None
        The column that says to which part a row is dealt. It is no feature.
    ignore : sequence of str
        Columns no model may see.
    columns : mapping of str to str
        Kinds of features that are declared rather than inferred.
    rules : mapping of str to ColumnRules
        What else is declared of columns.
    steps : sequence of DeclaredStep
        How cells are cleaned.
    refuse_equal_rows : bool
        Whether of rows that are alike in all columns only the last counts.
    """

    problem: Problem
    target: str
    id: str | None = None
    time: str | None = None
    group: str | None = None
    part: str | None = None
    ignore: Sequence[str] = ()
    columns: Mapping[str, Kind] | None = None
    rules: Mapping[str, ColumnRules] = field(default_factory=dict)
    steps: Sequence[DeclaredStep] = ()
    refuse_equal_rows: bool = False


def check_presence(names: Sequence[str], fields: Fields) -> None:
    """Check that a file with the columns `names` has those that the pipeline file names.

    Raises
    ------
    ContractError
        Naming the first that it lacks.
    """
    wanted = {
        "target": fields.target,
        "id": fields.id,
        "time": fields.time,
        "split.group": fields.group,
        "split.column": fields.part,
    }
    for use, name in wanted.items():
        if name is not None and name not in names:
            raise ContractError(f"the file has no column {name!r}, which the pipeline file names as {use}")
    made = added_columns(fields.steps)
    stepped = [name for step in fields.steps for name in step.columns]
    for name in dict.fromkeys([*(fields.columns or {}), *fields.rules, *stepped]):
        if name not in names and name not in made:
            raise ContractError(f"the file has no column {name!r}, which the pipeline file declares")


def infer_column(name: str, cells: pa.ChunkedArray, fields: Fields) -> ColumnSchema:
    """Work out one column of a contract from its cells.

    Raises
    ------
    ContractError
        If they are not what the pipeline file says.
    """
    declared, rules = (fields.columns or {}).get(name), fields.rules.get(name, NO_RULES)
    role = role_of(name, declared, fields)
    if role == "id":
        return ColumnSchema(name, "category", role, rules=rules)
    if role == "part":
        return ColumnSchema(name, "category", role, PARTS, rules)
    kind = _target_kind(name, cells, fields.problem) if role == "target" else declared or infer_kind(cells)
    if name == fields.time and kind not in ("datetime", "number"):
        raise ContractError(f"time column {name!r} holds neither ISO 8601 times nor numbers")
    check_rules(name, kind, rules)
    return ColumnSchema(name, kind, role, rules.allowed, rules)


def check_rules(name: str, kind: Kind, rules: ColumnRules) -> None:
    """Check that what is declared of a column can be said of its kind.

    Raises
    ------
    ContractError
        If it cannot.
    """
    if kind != "number" and (rules.min is not None or rules.max is not None):
        raise ContractError(f"column {name!r} is a {kind}, and `min` and `max` are for numbers")
    if kind != "category" and rules.allowed is not None:
        raise ContractError(
            f"column {name!r} is a {kind}, and `allowed` is for categories: declare it one in `columns`"
        )


def role_of(name: str, declared: Kind | None, fields: Fields) -> Role:
    """Return what a column is for, by what the pipeline file says."""
    if name in (fields.target, fields.id):
        return "target" if name == fields.target else "id"
    if name == fields.part:
        return "part"
    if name in fields.ignore:
        return "ignored"
    if name == fields.time and declared is None:
        return "time"
    return "feature"


def _target_kind(name: str, cells: pa.ChunkedArray, problem: Problem) -> Kind:
    if problem != "regression":
        return "category"
    if infer_kind(cells) != "number":
        raise ContractError(f"target {name!r} is not a number, as a regression needs it")
    return "number"
