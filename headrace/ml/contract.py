"""What the rows of one prediction problem look like: the contract between files, training and serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from headrace.ml.cleaning_steps.chain import added_columns, apply_steps, learned_steps
from headrace.ml.column_rules import NO_RULES, ColumnRules
from headrace.ml.column_schema import ColumnSchema, ContractError, Kind, Problem, Role
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.kinds import infer_kind
from headrace.ml.parts import PARTS
from headrace.ml.table_names import table_names
from headrace.ml.text_table import TextTable

# What a contract is made of can be imported with it.
__all__ = [
    "ColumnSchema",
    "Contract",
    "ContractError",
    "Fields",
    "Kind",
    "Problem",
    "Role",
    "check_presence",
    "check_rules",
    "infer_column",
    "infer_contract",
    "infer_kind",
    "missing_columns",
    "role_of",
]


@dataclass(frozen=True)
class Contract:
    """All columns of one prediction problem, in the order of the first file, and how their cells are cleaned.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        What kind of answer the target is.
    columns : tuple of ColumnSchema
        What a file must have. Columns beyond these are dropped. A column once known stays, so that its name in the
        catalogue does.
    version : int
        1 for that of the first file.
    steps : tuple of DeclaredStep
        Run on the text of the cells before anything else looks at them.
    refuse_equal_rows : bool
        Whether of rows that are alike in all columns only the last counts.
    labels : tuple of str
        Labels of a classification's target that accepted rows had, sorted.
    changes : tuple of str
        What this version changed, in words.
    observed : mapping of str to mapping
        What the cells of the first file were, by column; for people, nothing is judged by it.
    """

    problem: Problem
    columns: tuple[ColumnSchema, ...]
    version: int = 1
    steps: tuple[DeclaredStep, ...] = ()
    refuse_equal_rows: bool = False
    labels: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    observed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def features(self) -> tuple[ColumnSchema, ...]:
        """The columns that a model sees, in order."""
        return tuple(column for column in self.columns if column.role == "feature")

    @property
    def target(self) -> ColumnSchema:
        """The column to predict."""
        return next(column for column in self.columns if column.role == "target")

    @property
    def table_names(self) -> dict[str, str]:
        """Names of the columns in the catalogue, by their names in the files."""
        given = {column.name: column.stored_as for column in self.columns if column.stored_as}
        return table_names((column.name for column in self.columns), taken=given.values()) | given

    @property
    def file_columns(self) -> tuple[str, ...]:
        """Names of the columns that files have, in order: all but those that cleaning steps make."""
        return tuple(column.name for column in self.columns if column.made_of is None)

    def named(self, role: Role) -> str | None:
        """Return the name of the column with `role`, or None if there is none."""
        return next((column.name for column in self.columns if column.role == role), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the contract as JSON has it; what is empty is left out."""
        further = {
            "steps": [step.as_dict() for step in self.steps],
            "refuse_equal_rows": self.refuse_equal_rows,
            "labels": list(self.labels),
            "changes": list(self.changes),
            "observed": {name: dict(what) for name, what in self.observed.items()},
        }
        return {
            "version": self.version,
            "problem": self.problem,
            "columns": [column.as_dict() for column in self.columns],
        } | {name: value for name, value in further.items() if value}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Contract:
        """Read what `as_dict` wrote, or an earlier release, which knew no versions."""
        return cls(
            document["problem"],
            tuple(ColumnSchema.from_dict(entry) for entry in document["columns"]),
            document.get("version", 1),
            tuple(DeclaredStep.from_dict(entry) for entry in document.get("steps", ())),
            document.get("refuse_equal_rows", False),
            tuple(document.get("labels", ())),
            tuple(document.get("changes", ())),
            document.get("observed", {}),
        )


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


def infer_contract(table: TextTable, fields: Fields) -> Contract:
    r"""Work out the contract from a first file.

    A column is a number, a datetime (ISO 8601) or a boolean (true, false) if at least 95 % of its present cells are,
    an image if they are image files in base64, a text if they are sentences (`headrace.ml.cells.is_free_text`), and a
    category otherwise.

    Parameters
    ----------
    table : TextTable
        The file.
    fields : Fields
        What the pipeline file says.

    Returns
    -------
    Contract
        With every column of the file.

    Raises
    ------
    ContractError
        If the target, the id, the time, the group or a declared column is not in the file, no feature is left, or a
        target that should be a number is none.

    Examples
    --------
    >>> from headrace.ml.files.small import read_bytes
    >>> table = read_bytes(b"id,day,temp,season,cnt\n1,2011-01-01,0.3,spring,4\n2,2011-01-02,,fall,7\n")
    >>> contract = infer_contract(table, Fields("regression", "cnt", id="id", time="day"))
    >>> [(column.name, column.kind) for column in contract.features]
    [('temp', 'number'), ('season', 'category')]
    """
    names = table.cells.column_names
    check_presence(names, fields)
    steps = learned_steps(table.cells, fields.steps)
    cells, made = apply_steps(table.cells, steps).cells, added_columns(steps)
    columns = tuple(
        replace(infer_column(name, cells.column(name), fields), made_of=made.get(name))
        for name in cells.column_names
    )
    contract = Contract(
        fields.problem,
        columns,
        steps=steps,
        refuse_equal_rows=fields.refuse_equal_rows,
        changes=("the first file",),
    )
    if not contract.features:
        raise ContractError("no column is left to learn from: all are target, id, time or ignored")
    return contract


def missing_columns(contract: Contract, names: Sequence[str]) -> list[str]:
    """Return the columns that a file with the columns `names` lacks.

    Ignored columns may be absent, and those that came later; what steps make is not in a file, but what they make it of is.
    """
    needed = {
        column.made_of or column.name
        for column in contract.columns
        if column.role != "ignored" and not column.came_later
    }
    return [name for name in contract.file_columns if name in needed and name not in names]


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
