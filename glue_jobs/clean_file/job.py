"""Cleans a large file on many machines: survey, clean, find duplicates, judge, finish.

Nothing that is written counts before the ledger names it: a run that fails, or is repeated, leaves no rows behind.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glue_jobs.clean_file.cutting import cut_file
from glue_jobs.clean_file.duplicates import repeated_rows
from glue_jobs.clean_file.work import (
    CleanedRange,
    StagedPart,
    Task,
    WrittenPart,
    accepted,
    clean_range,
    clean_whole,
    finish,
    protection,
    refusal_of,
    s3,
    task_of,
)
from headrace.aws.dropped_files import DroppedFile, DroppedFiles
from headrace.aws.large_files import LargeFileOrder, LargeFileOutcome, WorkFolder
from headrace.aws.object_bytes import ObjectBytes
from headrace.ml.arrays import Ints
from headrace.ml.bad_rows import check_share
from headrace.ml.cleaning_steps.registry import CleaningStepError
from headrace.ml.contract import ContractError
from headrace.ml.duplicate_keys import duplicate_keys
from headrace.ml.file_contract import settled_contract
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.observation import Observer
from headrace.ml.refused_rows import RefusedRows
from headrace.ml.rejections import Summary

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext


def clean_large_file(context: SparkContext, folder: str) -> None:
    """Do what the order in the work folder says, and leave the outcome there."""
    work = WorkFolder.at(s3(), folder)
    order = work.order()
    try:
        outcome = _cleaned(context, work, order)
    except (FileRefusedError, ContractError, CleaningStepError) as error:
        refusal = refusal_of(error)
        assert refusal is not None
        outcome = LargeFileOutcome(refused=str(refusal.reason), why=refusal.why, personal=refusal.personal)
    work.write_outcome(outcome)


@dataclass(frozen=True)
class _Found:
    """All cleaned parts, in the order of the file, and what was seen in them."""

    task: Task
    parts: list[StagedPart]
    observer: Observer

    @classmethod
    def united(cls, ranges: list[CleanedRange]) -> _Found:
        """Unite what the executors have found."""
        task = ranges[0].task
        observer = task.observer()
        for each in ranges:
            observer.merge(each.observer)
        return cls(task, [part for each in ranges for part in each.parts], observer)

    @property
    def rows(self) -> int:
        """Good rows, before those are refused whose id comes again."""
        return sum(part.part.rows for part in self.parts)

    def rows_before(self) -> list[int]:
        """Return how many rows of the file come before the range of each part."""
        received: dict[int, int] = {}
        for part in self.parts:
            received[part.range] = received.get(part.range, 0) + part.part.received
        before = dict(zip(received, accumulate(received.values(), initial=0), strict=False))
        return [before[part.range] for part in self.parts]


def _cleaned(context: SparkContext, work: WorkFolder, order: LargeFileOrder) -> LargeFileOutcome:
    found = _parts(context, work.uri, order)
    before = found.rows_before()
    faults = Summary()
    for part, rows_before in zip(found.parts, before, strict=True):
        faults = faults.and_(part.part.summary, rows_before=rows_before)
    repeats = repeated_rows(context, work.uri, found.parts)
    again = Counter(repeats.flatMap(lambda each: each[1][:, 1].tolist()).countByValue())
    _judge(found, faults, again)
    contract = settled_contract(found.task.contract, order.contract, found.observer, order.rules)
    done = _finished(context, found, before, repeats)
    for each in done:
        faults = faults.and_(each.duplicates)
    outcome = LargeFileOutcome(
        rows=sum(each.rows for each in done),
        quarantined=faults.rows,
        flagged=sum(part.part.flagged.total() for part in found.parts),
        reasons=faults.by_reason(),
        curated=tuple(each.curated for each in done if each.curated),
        contract=contract,
        personal=found.task.personal,
    )
    reason = {"contract_version": contract.version, "accepted": outcome.rows, **faults.as_dict()}
    _keep_refused(work, [each.rejected for each in done if each.rejected], order.file, reason)
    return outcome


def _parts(context: SparkContext, folder: str, order: LargeFileOrder) -> _Found:
    """Clean every row by itself."""
    source = ObjectBytes(s3(), order.file)
    size = source.size()
    cut = cut_file(context, order, source, size)
    if cut is None:
        [whole] = context.parallelize([size], 1).map(partial(clean_whole, folder, order)).collect()
        return _Found.united([accepted(whole)])
    hidden = protection(order)
    head, names = cut.first_rows, cut.split.names
    if hidden:
        head, names = hidden.hide(head), hidden.names(names)
    task = task_of(folder, order, head, names)
    count = cut.split.count
    cleaned = context.parallelize(range(count), count).map(partial(clean_range, task, cut.split)).collect()
    return _Found.united([accepted(each) for each in cleaned])


def _judge(found: _Found, faults: Summary, again: Counter[int]) -> None:
    """Refuse the file if too many of its rows are bad, before any good one is written; all those of a retry were."""
    if found.task.order.file.is_retry:
        return
    keys = duplicate_keys(found.task.contract)
    counts = Counter({(keys[key].column, keys[key].reason): rows for key, rows in again.items()})
    check_share(
        found.rows - again.total(), faults.and_(Summary(counts=counts)), found.task.order.max_bad_row_share
    )


def _finished(
    context: SparkContext, found: _Found, before: list[int], repeats: RDD[tuple[int, Ints]]
) -> list[WrittenPart]:
    parts = [(number, each) for number, each in enumerate(zip(found.parts, before, strict=True))]
    joined = context.parallelize(parts, len(parts)).leftOuterJoin(repeats, len(parts))
    done = joined.map(partial(_finish, found.task)).collect()
    return sorted(done, key=lambda each: each.number)


def _finish(task: Task, joined: tuple[int, tuple[tuple[StagedPart, int], Ints | None]]) -> WrittenPart:
    number, ((part, rows_before), repeats) = joined
    nothing: Ints = np.empty((0, 2), dtype=np.int64)
    return finish(task, number, part, rows_before, nothing if repeats is None else repeats)


def _keep_refused(work: WorkFolder, names: list[str], file: DroppedFile, reason: Mapping[str, Any]) -> None:
    """Put the refused rows of all parts into quarantine as one file, under one header, with a record of each."""
    if not names:
        return
    with tempfile.TemporaryDirectory() as scratch:
        part, joined = Path(scratch) / "part", Path(scratch) / "rejected.csv"
        with joined.open("wb") as target:
            for place, name in enumerate(names):
                work.download(name, part)
                with part.open("rb") as rows:
                    header = rows.readline()
                    target.write(b"" if place else header)
                    shutil.copyfileobj(rows, target)
        records = Path(scratch) / "refusals.jsonl.gz"
        RefusedRows(joined).write_records(records, {**file.named, **reason})
        DroppedFiles(s3()).keep_rows(file, joined, records, reason)
