"""One join: labels that wait find their predictions, and both together become rows to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from headrace.aws.labelled_files import labelled_key
from headrace.aws.waiting_labels import Plan
from headrace.config.feedback import Feedback
from headrace.ml.contract import Contract
from headrace.ml.feedback_join import expired
from headrace.ml.feedback_labels import MOMENT
from headrace.ml.labelled_rows import labelled, merged, of_join, training_rows
from lambdas.join_feedback.search import Predictions, Search

LEASE = timedelta(minutes=16)
"""A little longer than a function can run."""

MOST_LABELS = 500_000
"""That one join takes: about 400 MB of memory."""


class Waiting(Protocol):
    """Labels that wait, and the plan of a join."""

    def open_plan(self, now: datetime, takes: timedelta, most_labels: int) -> Plan | None:
        """Return what is to be done, if anything is."""
        ...

    def read(self, batches: Sequence[str]) -> pa.Table:
        """Return labels in the order in which they arrived."""
        ...

    def add(self, name: str, labels: pa.Table) -> None:
        """Let labels wait."""
        ...

    def expire(self, name: str, labels: pa.Table) -> None:
        """Put labels away."""
        ...

    def joined(self, plan: Plan, labelled: Sequence[str], counts: dict[str, int]) -> Plan:
        """Write down that the labels have been joined."""
        ...

    def give_back(self, plan: Plan, now: datetime) -> None:
        """Let another go on with a plan."""
        ...

    def close(self, plan: Plan) -> None:
        """Forget a plan that is done."""
        ...


class Labelled(Protocol):
    """Predictions with their labels."""

    def load(self, key: str) -> pa.Table | None:
        """Return a file, if there is one."""
        ...

    def store(self, key: str, rows: pa.Table) -> None:
        """Write it."""
        ...


class Rows(Protocol):
    """Where rows to learn from come in."""

    def drop(self, name: str, tables: Iterator[pa.Table]) -> None:
        """Drop a file of that name, unless it was dropped before or has no rows."""
        ...


class Contracts(Protocol):
    """What is needed of the contract's store."""

    def load(self) -> Contract | None:
        """Return the contract, if there is one."""
        ...


class Log(Protocol):
    """What is needed of the ledger."""

    def joined(self, name: str, began_at: str, counts: Mapping[str, int]) -> None:
        """Write down what became of the labels of a join."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that a join touches."""

    predictions: Predictions
    waiting: Waiting
    labelled: Labelled
    rows: Rows
    contracts: Contracts
    log: Log


def join(feedback: Feedback, ports: Ports, now: datetime) -> dict[str, int] | None:
    """Join the labels that wait, and return what became of them; None if none does.

    The order is what makes a crash harmless. Labels leave the place where they wait last, after every one of them is in a
    labelled file, waits on in a batch named after this join, or is put away. The rows to learn from are those which the
    labelled files say that this join has changed, so that a second attempt drops the same.

    Raises
    ------
    BusyError
        If another join is under way.
    """
    plan = ports.waiting.open_plan(now, LEASE, MOST_LABELS)
    if plan is None:
        return None
    try:
        if plan.labelled is None:
            plan = _label(plan, feedback, ports, now)
        counts = dict(plan.counts or {})
        if feedback.train:
            counts |= _hand_over(plan, ports)
    except Exception:
        ports.waiting.give_back(plan, now)
        raise
    ports.log.joined(plan.name, plan.began_at, counts)
    ports.waiting.close(plan)
    return counts


def _label(plan: Plan, feedback: Feedback, ports: Ports, now: datetime) -> Plan:
    """Write every label of the plan where it belongs, and then that all of them are there."""
    labels = ports.waiting.read(plan.batches)
    settled = _settled(labels, feedback, now)
    search = Search(ports.predictions, labels.filter(settled), feedback)
    changed, corrected = [], 0
    for file, found in search.matches():
        key = labelled_key(file.key, file.day)
        fresh = labelled(ports.predictions.open(file).rows(found.rows), search.labels_of(found), plan.name)
        before = ports.labelled.load(key)
        after = merged(before, fresh)
        corrected += after.corrected
        if before is None or not after.rows.equals(before):
            ports.labelled.store(key, after.rows)
        if of_join(after.rows, plan.name).num_rows:
            changed.append(key)
    missed = search.missed()
    given_up = pa.array(expired(missed, now=now, within=search.within))
    gone = missed.filter(given_up)
    waiting = pa.concat_tables([missed.filter(pc.invert(given_up)), labels.filter(pc.invert(settled))])
    _put_away(plan, waiting, gone, ports)
    counts = {
        "matched": search.count - missed.num_rows,
        "corrected": corrected,
        "superseded": search.superseded,
        "pending": waiting.num_rows,
        "expired": gone.num_rows,
    }
    return ports.waiting.joined(plan, changed, counts)


def _settled(labels: pa.Table, feedback: Feedback, now: datetime) -> pa.ChunkedArray:
    """Tell which labels may be joined: by entity, those whose moment is past long enough for predictions to be recorded."""
    if feedback.join == "inference_id":
        return pc.is_valid(labels.column("labelled_at"))
    limit = pa.scalar(now.replace(tzinfo=None) - timedelta(minutes=feedback.settle_minutes), MOMENT)
    return pc.less_equal(labels.column("at"), limit)


def _put_away(plan: Plan, waiting: pa.Table, gone: pa.Table, ports: Ports) -> None:
    if waiting.num_rows:
        ports.waiting.add(plan.name, waiting)
    if gone.num_rows:
        ports.waiting.expire(plan.name, gone)


def _hand_over(plan: Plan, ports: Ports) -> dict[str, int]:
    """Drop the rows that this join has labelled, once, as a file; return how many there are, and how many lack an id."""
    contract = ports.contracts.load()
    if contract is None:
        return {"trained_on": 0}
    handed, without_id = 0, 0

    def tables() -> Iterator[pa.Table]:
        nonlocal handed, without_id
        for key in plan.labelled or ():
            rows = ports.labelled.load(key)
            assert rows is not None
            found = training_rows(of_join(rows, plan.name), contract)
            without_id += found.without_id
            if found.rows is not None:
                handed += found.rows.num_rows
                yield found.rows

    ports.rows.drop(plan.name, tables())
    return {"trained_on": handed, "without_id": without_id}
