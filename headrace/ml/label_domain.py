"""Which labels the target of a classification may have: those of the files so far, until the domain is closed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from headrace.ml.contract import Contract
from headrace.ml.contract_evolution import Breach, EvolutionRules, Verdict, next_version, replaced
from headrace.ml.files.refusal import FileReason

_BINARY = 2


def with_labels(
    contract: Contract, seen: Collection[str], rules: EvolutionRules, *, present: Contract | None
) -> Verdict:
    """Add the labels of a file's good rows to those that the contract knows.

    Once a binary target has two labels its domain is closed: another is a mistake. That of a multiclass target is closed
    by the first file if new labels are refused. A domain that the pipeline file declares is never added to.

    Parameters
    ----------
    contract : Contract
        What the file was cleaned against.
    seen : collection of str
        Labels of its good rows.
    rules : EvolutionRules
        What the pipeline file says about changes by files.
    present : Contract or None
        The version in force, which `contract` is itself unless the file changes it; None before the first file.

    Examples
    --------
    >>> from headrace.ml.contract import ColumnSchema
    >>> contract = Contract("binary", (ColumnSchema("y", "category", "target"), ColumnSchema("x", "number")))
    >>> first = with_labels(contract, {"no"}, EvolutionRules(), present=None).contract
    >>> first.labels, first.target.allowed
    (('no',), None)
    >>> second = with_labels(first, {"yes"}, EvolutionRules(), present=first).contract
    >>> second.version, second.target.allowed, second.changes
    (2, ('no', 'yes'), ("1 new label of 'y'",))
    """
    target = contract.target
    labels = tuple(sorted({*contract.labels, *seen}))
    if contract.problem == "regression" or target.rules.allowed or labels == contract.labels:
        return Verdict(contract)
    if contract.problem == "binary" and len(labels) > _BINARY:
        text = f"target {target.name!r} has {len(labels)} labels, and a binary problem has two"
        return Verdict(contract, (Breach(FileReason.CONTRACT_LABELS, text),))
    closed = len(labels) == _BINARY if contract.problem == "binary" else rules.new_labels == "refuse"
    columns = replaced(contract.columns, replace(target, allowed=labels if closed else None))
    fresh = len(labels) - len(contract.labels)
    changes = () if contract is present else contract.changes
    if contract.labels:
        changes += (f"{fresh} new label{'s' if fresh > 1 else ''} of {target.name!r}",)
    work = replace(contract, columns=columns, labels=labels, changes=changes)
    return Verdict(next_version(present, work) if present else work)
