"""What a file means for the contract: before its rows are cleaned, and after."""

from __future__ import annotations

from dataclasses import replace

from headrace.ml.bad_rows import no_rows
from headrace.ml.contract import Contract, Fields
from headrace.ml.contract_evolution import EvolutionRules, Verdict, compare
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.small import ROWS_LOOKED_AT
from headrace.ml.label_domain import with_labels
from headrace.ml.observation import Observer
from headrace.ml.text_table import TextTable


def rows_needed(contract: Contract | None) -> int:
    """Return how many first rows are looked at: many of the first file, from which kinds are inferred, else a block."""
    return ROWS_LOOKED_AT if contract is None else 1


def proposed_contract(
    contract: Contract | None, head: TextTable, fields: Fields, rules: EvolutionRules, *, retry: bool = False
) -> Contract:
    """Return what a file is to be cleaned against: the contract, or the next version that its first rows make of it.

    The rows of a retry were chosen because they were bad: what most of them are says nothing about the files to come.

    Raises
    ------
    ContractError
        If the file lacks what the pipeline file names.
    CleaningStepError
        If a cleaning step fails.
    FileRefusedError
        If it has no rows, or breaks the contract.
    """
    if not head.rows:
        raise no_rows()
    if retry and contract:
        head = TextTable(head.cells.slice(0, 0), head.row_numbers[:0])
    return _unbroken(compare(contract, head, fields, rules))


def settled_contract(
    proposed: Contract, present: Contract | None, observer: Observer, rules: EvolutionRules
) -> Contract:
    """Return what the contract is once the good rows of a file are known: with what was observed, with its labels.

    Parameters
    ----------
    proposed : Contract
        What the file was cleaned against.
    present : Contract or None
        The version in force.
    observer : Observer
        Has seen the good rows.
    rules : EvolutionRules
        What the pipeline file says about changes by files.

    Raises
    ------
    FileRefusedError
        If a label breaks the contract.
    """
    if present is None:
        proposed = replace(proposed, observed=observer.observed())
    return _unbroken(with_labels(proposed, observer.labels, rules, present=present))


def _unbroken(verdict: Verdict) -> Contract:
    if verdict.breaches:
        why = "; ".join(breach.text for breach in verdict.breaches)
        raise FileRefusedError(verdict.breaches[0].reason, why)
    return verdict.contract
