"""One join: labels that wait find their predictions, and both together become rows to learn from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from headrace.aws.labelled_names import labelled_key
from headrace.aws.prediction_files import PredictionFile
from headrace.aws.release_log import Entry
from headrace.aws.shadow_spans import shadow_spans
from headrace.aws.waiting_labels import Plan
from headrace.config.feedback import Feedback
from headrace.ml.ahead import several_ahead
from headrace.ml.contract import Contract
from headrace.ml.feedback_join import Found, expired
from headrace.ml.feedback_labels import MOMENT
from headrace.ml.labelled_rows import TrainingRows, labelled, merged, of_join, training_rows
from lambdas.join_feedback.search import Predictions, Search

LEASE = timedelta(minutes=16)
"""A little longer than a function can run."""

MOST_LABELS = 500_000
"""That one join takes."""

_AT_ONCE = 8
"""Files that are read or written at the same time: nearly all of it is waiting for S3."""


class Waiting(Protocol):
    """Labels that wait, and the plan of a join."""

    def open_plan(
        self, now: datetime, takes: timedelta, most_labels: int, *, but: Collection[str] = ()
    ) -> Plan | None:
        """Return what is to be done, if there is anything but those batches."""
        ...

    def read(self, batches: Sequence[str]) -> pa.Table:
        """Return labels in the order in which they arrived."""
        ...

    def add(self, name: str, labels: pa.Table) -> None:
        """Let labels wait as a batch; none are no batch."""
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


class Releases(Protocol):
    """What is needed of the ledger, of releases."""

    def newest_first(self) -> Iterator[Entry]:
        """Yield the history."""
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
    releases: Releases


@dataclass(frozen=True)
class Joined:
    """A join that is done.

    Parameters
    ----------
    name : str
        Which; the labels that wait on are the batch of that name.
    counts : dict of str to int
        What became of the labels.
    why_not : str
        Why labelled rows were not handed over to be learnt from, if some were not.
    """

    name: str
    counts: dict[str, int]
    why_not: str = ""


def join(feedback: Feedback, ports: Ports, now: datetime, *, but: Collection[str] = ()) -> Joined | None:
    """Join the labels that wait, and return what became of them; None if none does but those of the batches `but`.

    The order is what makes a crash harmless. Labels leave the place where they wait last, after every one of them is in a
    labelled file, waits on in a batch named after this join, or is put away. The rows to learn from are those which the
    labelled files say that this join has changed, so that a second attempt drops the same.

    Raises
    ------
    BusyError
        If another join is under way.
    """
    plan = ports.waiting.open_plan(now, LEASE, MOST_LABELS, but=but)
    if plan is None:
        return None
    try:
        if plan.labelled is None:
            plan = _label(plan, feedback, ports, now)
        handed = _hand_over(plan, ports) if feedback.train else _Handed()
    except Exception:
        ports.waiting.give_back(plan, now)
        raise
    counts = {**(plan.counts or {}), "trained_on": handed.rows, "without_id": handed.without_id}
    ports.log.joined(plan.name, plan.began_at, counts)
    ports.waiting.close(plan)
    return Joined(plan.name, counts, handed.why_not)


def _label(plan: Plan, feedback: Feedback, ports: Ports, now: datetime) -> Plan:
    """Write every label of the plan where it belongs, and then that all of them are there."""
    labels = ports.waiting.read(plan.batches)
    settled = _settled(labels, feedback, now)
    shadows = shadow_spans(ports.releases.newest_first())
    search = Search(ports.predictions, labels.filter(settled), feedback, shadows)

    def add(match: tuple[PredictionFile, Found]) -> _Added:
        return _add_labels(*match, search, plan, ports)

    added = list(several_ahead(add, search.matches(), _AT_ONCE))
    missed = search.missed()
    given_up = pa.array(expired(missed, now=now, within=search.within))
    gone = missed.filter(given_up)
    waiting = pa.concat_tables([missed.filter(pc.invert(given_up)), labels.filter(pc.invert(settled))])
    ports.waiting.add(plan.name, waiting)  # also if there are none: a first attempt may have left some
    if gone.num_rows:
        ports.waiting.expire(plan.name, gone)
    counts = {
        "matched": search.count - missed.num_rows,
        "corrected": sum(each.corrected for each in added),
        "superseded": search.superseded,
        "pending": waiting.num_rows,
        "expired": gone.num_rows,
    }
    return ports.waiting.joined(plan, [each.key for each in added if each.changed], counts)


@dataclass(frozen=True)
class _Added:
    """What labels made of one labelled file, and whether any of its rows are as this join has left them."""

    key: str
    corrected: int
    changed: bool


def _add_labels(file: PredictionFile, found: Found, search: Search, plan: Plan, ports: Ports) -> _Added:
    key = labelled_key(file.key, file.day)
    rows = ports.predictions.open(file).rows(found.rows)
    before, began_at = ports.labelled.load(key), datetime.fromisoformat(plan.began_at)
    after = merged(before, labelled(rows, search.labels_of(found), plan.name, began_at))
    if before is None or not after.rows.equals(before):
        ports.labelled.store(key, after.rows)
    return _Added(key, after.corrected, of_join(after.rows, plan.name).num_rows > 0)


def _settled(labels: pa.Table, feedback: Feedback, now: datetime) -> pa.ChunkedArray:
    """Tell which labels may be joined: by entity, those whose moment is past long enough for predictions to be recorded."""
    if feedback.join == "inference_id":
        return pc.is_valid(labels.column("labelled_at"))
    limit = pa.scalar(now.replace(tzinfo=None) - timedelta(minutes=feedback.settle_minutes), MOMENT)
    return pc.less_equal(labels.column("at"), limit)


@dataclass
class _Handed:
    """What was handed over to be learnt from: rows, rows that were left out without an id, and why others were."""

    rows: int = 0
    without_id: int = 0
    why_not: str = ""

    def add(self, found: TrainingRows) -> None:
        """Count the rows of one labelled file."""
        self.rows += found.rows.num_rows if found.rows is not None else 0
        self.without_id += found.without_id
        self.why_not = self.why_not or found.why_not


def _hand_over(plan: Plan, ports: Ports) -> _Handed:
    """Drop the rows that this join has labelled, once, as a file."""
    contract, handed = ports.contracts.load(), _Handed()
    if contract is None:
        return _Handed(why_not="there is no contract, because no file has come in yet")

    def tables() -> Iterator[pa.Table]:
        for rows in several_ahead(ports.labelled.load, plan.labelled or (), _AT_ONCE):
            assert rows is not None  # nothing deletes them
            found = training_rows(of_join(rows, plan.name), contract)
            handed.add(found)
            if found.rows is not None:
                yield found.rows

    ports.rows.drop(plan.name, tables())
    return handed
