"""What the rows of one prediction problem look like: the contract between files, training and serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.ml.cleaning_steps.chain import added_columns, apply_steps, learned_steps
from headrace.ml.column_schema import ColumnSchema, ContractError, Kind, Problem, Role
from headrace.ml.contract_columns import (
    Fields,
    check_presence,
    check_rules,
    infer_column,
    role_of,
)
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.kinds import infer_kind
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
