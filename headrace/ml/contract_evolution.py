"""What may change between the files of a pipeline, and what breaks the contract between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.cells import trimmed
from headrace.ml.cleaning import typed
from headrace.ml.cleaning_steps.chain import added_columns, apply_steps, learned_steps
from headrace.ml.column_rules import NO_RULES
from headrace.ml.contract import (
    ColumnSchema,
    Contract,
    Fields,
    Kind,
    check_presence,
    check_rules,
    infer_column,
    infer_contract,
    infer_kind,
    missing_columns,
    role_of,
)
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.refusal import FileReason
from headrace.ml.parts import PARTS
from headrace.ml.table_names import free_name
from headrace.ml.text_table import TextTable

WIDER: dict[Kind, tuple[Kind, ...]] = {
    "boolean": ("number", "category"),
    "number": ("category",),
    "datetime": ("category",),
}
"""Kinds that can hold every cell of another kind. Decimals are numbers, as whole numbers are."""

_HALF = 0.5
"""A column has changed its kind if fewer of its present cells than that are of the contract's; else the others are faults."""


@dataclass(frozen=True)
class EvolutionRules:
    """What the pipeline file says about changes.

    Parameters
    ----------
    new_columns : {"ignore", "accept", "refuse"}
        A column that the contract does not have.
    widened_kinds : {"accept", "refuse"}
        A column whose cells are of a wider kind now.
    new_labels : {"accept", "refuse"}
        A label of a multiclass target that no file had before.
    """

    new_columns: Literal["ignore", "accept", "refuse"] = "ignore"
    widened_kinds: Literal["accept", "refuse"] = "refuse"
    new_labels: Literal["accept", "refuse"] = "accept"


@dataclass(frozen=True)
class Breach:
    """Something in a file that the contract does not allow.

    Parameters
    ----------
    reason : FileReason
        For machines.
    text : str
        For people; names the column and repeats no cell.
    """

    reason: FileReason
    text: str


@dataclass(frozen=True)
class Verdict:
    """What a file means for the contract.

    Parameters
    ----------
    contract : Contract
        What the file is to be cleaned against: the contract that there was, or the next version of it.
    breaches : tuple of Breach
        What speaks against taking the file at all; empty if nothing does.
    """

    contract: Contract
    breaches: tuple[Breach, ...] = ()


def compare(contract: Contract | None, head: TextTable, fields: Fields, rules: EvolutionRules) -> Verdict:
    r"""Say whether a file fits the contract, changes it, or breaks it.

    Parameters
    ----------
    contract : Contract or None
        The present version; None before the first file.
    head : TextTable
        The first rows of the file, with all its columns.
    fields : Fields
        What the pipeline file says of columns and steps now; where that is not what the contract says, it changes.
    rules : EvolutionRules
        What it says about changes by files.

    Returns
    -------
    Verdict
        Compatible: the same contract. Evolved: the next version. Breaking: with breaches.

    Raises
    ------
    ContractError
        If the file lacks what the pipeline file names.
    CleaningStepError
        If a cleaning step fails.

    Examples
    --------
    >>> from headrace.ml.files.small import read_bytes
    >>> fields = Fields("regression", "y")
    >>> first = compare(None, read_bytes(b"x,y\n1,2\n"), fields, EvolutionRules()).contract
    >>> compare(first, read_bytes(b"y,x\n2.5,1\n"), fields, EvolutionRules()).contract is first
    True
    >>> wider = read_bytes(b"x,y,z\n1,2,red\n")
    >>> compare(first, wider, fields, EvolutionRules(new_columns="accept")).contract.changes
    ("the new column 'z' is a category",)
    >>> [breach.text for breach in compare(first, read_bytes(b"x,y\nred,2\n"), fields, EvolutionRules()).breaches]
    ["column 'x' was a number and is a category now"]
    """
    if contract is None:
        return Verdict(infer_contract(head, fields))
    work = _redeclared(replace(contract, changes=()), head.cells, fields)
    cells = apply_steps(head.cells, work.steps, filters=False).cells
    work, added = _with_new_columns(work, cells, fields, rules)
    work, changed = _with_wider_kinds(work, cells, rules)
    lost = (
        Breach(FileReason.CONTRACT_MISSING_COLUMN, f"column {name!r} is missing")
        for name in missing_columns(work, head.cells.column_names)
    )
    return Verdict(next_version(contract, work), (*lost, *added, *changed))


def next_version(contract: Contract, work: Contract) -> Contract:
    """Return `contract` if `work` says the same, else `work` as the next version."""
    same = replace(work, version=contract.version, changes=contract.changes) == contract
    return contract if same else replace(work, version=contract.version + 1)


def _redeclared(contract: Contract, cells: pa.Table, fields: Fields) -> Contract:
    """Return the contract as the pipeline file has it now."""
    check_presence([*contract.file_columns, *cells.column_names], fields)
    steps = _steps(contract, cells, fields.steps)
    made = added_columns(steps)
    columns = tuple(_redeclared_column(column, contract, made, fields) for column in contract.columns)
    changes = [
        f"the pipeline file changed column {now.name!r}"
        for before, now in zip(contract.columns, columns, strict=True)
        if before != now
    ]
    if steps != contract.steps:
        changes.append("the pipeline file changed the cleaning steps")
    if fields.refuse_equal_rows != contract.refuse_equal_rows:
        changes.append("the pipeline file changed what becomes of equal rows")
    return replace(
        contract,
        problem=fields.problem,
        columns=columns,
        steps=steps,
        refuse_equal_rows=fields.refuse_equal_rows,
        changes=tuple(changes),
    )


def _steps(contract: Contract, cells: pa.Table, declared: Sequence[DeclaredStep]) -> tuple[DeclaredStep, ...]:
    """Return the steps with what was learned before; only a step that is new learns from this file."""
    known = [next((old for old in contract.steps if old.is_like(step)), step) for step in declared]
    if all(step in contract.steps for step in known):
        return tuple(known)
    return learned_steps(cells, known)


def _redeclared_column(
    column: ColumnSchema, contract: Contract, made: Collection[str], fields: Fields
) -> ColumnSchema:
    declared, rules = (fields.columns or {}).get(column.name), fields.rules.get(column.name, NO_RULES)
    role = role_of(column.name, declared, fields)
    if column.made_of is not None and column.name not in made:
        role = "ignored"
    allowed = rules.allowed
    if role == "part":
        allowed = PARTS
    if allowed is None and role == "target" and column.role == "target" and not column.rules.allowed:
        allowed = column.allowed
    kind = _kind(column, declared, role, fields)
    check_rules(column.name, kind, rules)
    return replace(_of_kind(column, kind, contract), role=role, rules=rules, allowed=allowed)


def _kind(column: ColumnSchema, declared: Kind | None, role: str, fields: Fields) -> Kind:
    if role in ("id", "part"):
        return "category"
    if role == "target":
        return "number" if fields.problem == "regression" else "category"
    return declared or column.kind


def _of_kind(column: ColumnSchema, kind: Kind, contract: Contract) -> ColumnSchema:
    """Return the column with another kind, under another name in the catalogue: older files have the former there."""
    if kind == column.kind:
        return column
    names = contract.table_names
    stem = f"{table_names_of(contract, column.name)}_{kind}"
    taken = {*names.values(), *(name for each in contract.columns for name, _ in each.formerly)}
    return replace(
        column,
        kind=kind,
        stored_as=free_name(stem, taken),
        formerly=(*column.formerly, (names[column.name], column.kind)),
    )


def table_names_of(contract: Contract, name: str) -> str:
    """Return the name that a column had in the catalogue at first."""
    column = next(each for each in contract.columns if each.name == name)
    return column.formerly[0][0] if column.formerly else contract.table_names[name]


def _with_new_columns(
    contract: Contract, cells: pa.Table, fields: Fields, rules: EvolutionRules
) -> tuple[Contract, tuple[Breach, ...]]:
    known, made = {column.name for column in contract.columns}, added_columns(contract.steps)
    named = {
        fields.target,
        fields.id,
        fields.time,
        fields.group,
        fields.part,
        *(fields.columns or {}),
        *fields.rules,
        *made,
    }
    breaches = []
    for name in cells.column_names:
        if name in known or name in fields.ignore:
            continue
        if name in named or (rules.new_columns == "accept" and _present(cells.column(name))):
            column = infer_column(name, cells.column(name), fields)
            column = replace(column, came_later=column.role == "feature", made_of=made.get(name))
            change = f"the new column {name!r} is a {column.kind}"
            contract = replace(
                contract, columns=(*contract.columns, column), changes=(*contract.changes, change)
            )
        elif rules.new_columns == "refuse":
            breaches.append(Breach(FileReason.CONTRACT_NEW_COLUMN, f"column {name!r} is new"))
    return contract, tuple(breaches)


def _present(cells: pa.ChunkedArray) -> bool:
    return len(pc.drop_null(trimmed(cells))) > 0


def _with_wider_kinds(
    contract: Contract, cells: pa.Table, rules: EvolutionRules
) -> tuple[Contract, tuple[Breach, ...]]:
    breaches = []
    for column, now in _changed_kinds(contract, cells):
        if rules.widened_kinds == "accept" and column.role == "feature" and now in WIDER.get(column.kind, ()):
            change = f"column {column.name!r} was a {column.kind} and is a {now} now"
            columns = replaced(contract.columns, _of_kind(column, now, contract))
            contract = replace(contract, columns=columns, changes=(*contract.changes, change))
        else:
            text = f"column {column.name!r} was a {column.kind} and is a {now} now"
            breaches.append(Breach(FileReason.CONTRACT_KIND_CHANGED, text))
    return contract, tuple(breaches)


def _changed_kinds(contract: Contract, cells: pa.Table) -> Iterator[tuple[ColumnSchema, Kind]]:
    """Yield the columns of which most present cells are not what they should be, and what they are instead."""
    for column in contract.columns:
        if column.role in ("ignored", "id") or column.name not in cells.column_names:
            continue
        text = pc.drop_null(trimmed(cells.column(column.name)))
        if len(pc.drop_null(typed(column.kind, text))) < _HALF * len(text):
            yield column, infer_kind(text)


def replaced(columns: tuple[ColumnSchema, ...], new: ColumnSchema) -> tuple[ColumnSchema, ...]:
    """Return the columns with that of the same name replaced by `new`."""
    return tuple(new if column.name == new.name else column for column in columns)
