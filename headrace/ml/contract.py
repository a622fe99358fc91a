"""What the rows of one prediction problem look like: the contract between files, training and serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import as_booleans, as_datetimes, as_numbers, is_free_text, trimmed
from headrace.ml.table_names import table_names
from headrace.ml.text_table import TextTable

Kind = Literal["number", "category", "boolean", "datetime", "text", "image"]
Problem = Literal["binary", "multiclass", "regression"]
Role = Literal["feature", "target", "id", "time", "ignored"]

_MOSTLY = 0.95
"""A column is of a kind if at least this share of its present cells is; the others are faults."""
_FIRST_OF_MOST_FAULTS = 1.5


class ContractError(ValueError):
    """The file cannot be what the pipeline file describes; the text says what is missing or wrong."""


@dataclass(frozen=True)
class ColumnSchema:
    """One column.

    Parameters
    ----------
    name : str
        As in the header of the files.
    kind : {"number", "category", "boolean", "datetime", "text", "image"}
        What its cells are.
    role : {"feature", "target", "id", "time", "ignored"}
        What it is for. Only features reach a model.
    allowed : tuple of str or None
        Labels that a target may have; None where everything of the kind is allowed.
    """

    name: str
    kind: Kind
    role: Role = "feature"
    allowed: tuple[str, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; what is at its default is left out.

        Examples
        --------
        >>> ColumnSchema("temp", "number").as_dict()
        {'name': 'temp', 'kind': 'number'}
        """
        named: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.role != "feature":
            named["role"] = self.role
        if self.allowed is not None:
            named["allowed"] = list(self.allowed)
        return named

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> ColumnSchema:
        """Read what `as_dict` wrote.

        Raises
        ------
        ContractError
            If the name is missing or the kind is unknown.
        """
        if not entry.get("name") or entry.get("kind") not in get_args(Kind):
            raise ContractError(f"a column needs a name and a kind of {', '.join(get_args(Kind))}")
        allowed = entry.get("allowed")
        return cls(
            str(entry["name"]),
            entry["kind"],
            entry.get("role", "feature"),
            None if allowed is None else tuple(map(str, allowed)),
        )


@dataclass(frozen=True)
class Contract:
    """All columns of one prediction problem, in the order of the first file.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        What kind of answer the target is.
    columns : tuple of ColumnSchema
        What a file must have. Columns beyond these are dropped.
    """

    problem: Problem
    columns: tuple[ColumnSchema, ...]

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
        return table_names(column.name for column in self.columns)

    def named(self, role: Role) -> str | None:
        """Return the name of the column with `role`, or None if there is none."""
        return next((column.name for column in self.columns if column.role == role), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the contract as JSON has it."""
        return {"problem": self.problem, "columns": [column.as_dict() for column in self.columns]}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Contract:
        """Read what `as_dict` wrote."""
        return cls(document["problem"], tuple(ColumnSchema.from_dict(entry) for entry in document["columns"]))


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
    ignore : sequence of str
        Columns no model may see.
    columns : mapping of str to str
        Kinds of features that are declared rather than inferred.
    """

    problem: Problem
    target: str
    id: str | None = None
    time: str | None = None
    group: str | None = None
    ignore: Sequence[str] = ()
    columns: Mapping[str, Kind] | None = None


def infer_contract(table: TextTable, fields: Fields) -> Contract:
    r"""Work out the contract from a first file.

    A column is a number, a datetime (ISO 8601) or a boolean (true, false) if at least 95 % of its present cells are,
    a text if its cells are sentences (`headrace.ml.cells.is_free_text`), and a category otherwise.

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
    _check_presence(names, fields)
    columns = tuple(_column(name, table.cells.column(name), fields) for name in names)
    contract = Contract(fields.problem, columns)
    if not contract.features:
        raise ContractError("no column is left to learn from: all are target, id, time or ignored")
    return contract


def missing_columns(contract: Contract, names: Sequence[str]) -> list[str]:
    """Return the columns that a file with the columns `names` lacks; ignored ones may be absent."""
    return [
        column.name for column in contract.columns if column.role != "ignored" and column.name not in names
    ]


def _check_presence(names: Sequence[str], fields: Fields) -> None:
    wanted = {"target": fields.target, "id": fields.id, "time": fields.time, "split.group": fields.group}
    for field, name in wanted.items():
        if name is not None and name not in names:
            raise ContractError(f"the file has no column {name!r}, which the pipeline file names as {field}")
    for name in fields.columns or {}:
        if name not in names:
            raise ContractError(f"the file has no column {name!r}, which the pipeline file declares")


def _column(name: str, cells: pa.ChunkedArray, fields: Fields) -> ColumnSchema:
    declared = (fields.columns or {}).get(name)
    role = _role(name, declared, fields)
    if role == "id":
        return ColumnSchema(name, "category", role)
    if role == "target":
        return _target(name, cells, fields.problem)
    kind = declared or infer_kind(cells)
    if name == fields.time and kind not in ("datetime", "number"):
        raise ContractError(f"time column {name!r} holds neither ISO 8601 times nor numbers")
    return ColumnSchema(name, kind, role)


def _role(name: str, declared: Kind | None, fields: Fields) -> Role:
    if name in (fields.target, fields.id):
        return "target" if name == fields.target else "id"
    if name in fields.ignore:
        return "ignored"
    if name == fields.time and declared is None:
        return "time"
    return "feature"


def _target(name: str, cells: pa.ChunkedArray, problem: Problem) -> ColumnSchema:
    if problem != "regression":
        return ColumnSchema(name, "category", "target")
    if infer_kind(cells) != "number":
        raise ContractError(f"target {name!r} is not a number, as a regression needs it")
    return ColumnSchema(name, "number", "target")


def infer_kind(cells: pa.ChunkedArray) -> Kind:
    """Return the kind that at least 95 % of the present cells have, or text if they are sentences, or category.

    Examples
    --------
    >>> infer_kind(pa.chunked_array([["1", "2.5", "NA"]]))
    'number'
    """
    text = pc.drop_null(trimmed(cells))
    if len(text) == 0:
        return "category"
    found = next((kind for kind, typed in _KINDS if _are_mostly(typed, text)), None)
    return found or ("text" if is_free_text(text) else "category")


_KINDS: tuple[tuple[Kind, Callable[[pa.ChunkedArray], pa.ChunkedArray]], ...] = (
    ("number", as_numbers),
    ("boolean", partial(as_booleans, words_only=True)),
    ("datetime", as_datetimes),
)


def _are_mostly(typed: Callable[[pa.ChunkedArray], pa.ChunkedArray], text: pa.ChunkedArray) -> bool:
    """Tell whether enough cells can be typed; often the first of them have too many faults for all already."""
    most_faults = len(text) - _MOSTLY * len(text)
    first = text.slice(0, int(_FIRST_OF_MOST_FAULTS * most_faults) + 1)
    return all(typed(cells).null_count <= most_faults for cells in (first, text))


def with_labels(contract: Contract, labels: Sequence[str]) -> Contract:
    """Return the contract with the labels that its target may have."""
    columns = tuple(
        replace(column, allowed=tuple(labels)) if column.role == "target" else column
        for column in contract.columns
    )
    return replace(contract, columns=columns)
