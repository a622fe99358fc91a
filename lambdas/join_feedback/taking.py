"""What happens to one file of labels: read, judged, let wait, written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from headrace.aws.dropped_files import DroppedFile
from headrace.config.feedback import Feedback
from headrace.config.label_rules import label_rules
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
from headrace.ml.feedback_labels import LABELS, LabelRules, read_labels, refused_text
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.table_file import open_table
from headrace.ml.privacy.protection import Protection, protected
from headrace.ml.refused_file import RefusedFile, refused_table
from headrace.ml.refused_rows import RefusedRows
from headrace.ml.rejections import Summary


class Files(Protocol):
    """What is needed of the data bucket."""

    def fetch(self, file: DroppedFile, path: Path) -> str:
        """Write the file to `path`; `FileRefusedError` if it is gone."""
        ...

    def was_rewritten(self, file: DroppedFile) -> bool:
        """Tell whether it is what an erasure has left of labels that were taken already."""
        ...

    def keep_rows(self, file: DroppedFile, rejected: Path, records: Path, reason: Mapping[str, Any]) -> None:
        """Put refused records in quarantine."""
        ...

    def keep_whole(self, file: DroppedFile, reason: Mapping[str, Any], *, copy: bool = True) -> None:
        """Put the file in quarantine."""
        ...


class Contracts(Protocol):
    """What is needed of the contract's store."""

    def load(self) -> Contract | None:
        """Return the contract, if there is one."""
        ...


class Waiting(Protocol):
    """Where labels wait."""

    def add(self, name: str, labels: pa.Table) -> None:
        """Let labels wait."""
        ...


class Log(Protocol):
    """What is needed of the ledger."""

    def knows(self, file: DroppedFile) -> bool:
        """Tell whether a file was taken already."""
        ...

    def taken(self, file: DroppedFile, counts: Mapping[str, int], refused: str | None = None) -> bool:
        """Write down what became of a file; tell whether nobody had before."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that taking labels touches."""

    files: Files
    contracts: Contracts
    waiting: Waiting
    log: Log
    protection: Callable[[], Protection | None] = lambda: None


@dataclass(frozen=True)
class Taken:
    """What became of one file of labels.

    Parameters
    ----------
    received, refused : int
        Records that wait to be joined, and records in quarantine.
    refused_file : str or None
        Reason code if the whole file is there.
    """

    received: int = 0
    refused: int = 0
    refused_file: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """What is counted."""
        return {"received": self.received, "refused": self.refused}


def take(
    file: DroppedFile, pipeline: Pipeline, feedback: Feedback, ports: Ports, scratch: Path
) -> Taken | None:
    """Let the labels of a file wait to be joined; None if that was done already.

    The ledger is written last: after a crash everything is done again, under the same names.
    """
    if ports.log.knows(file):
        return None
    rules = label_rules(pipeline, feedback, ports.contracts.load())
    try:
        options = _options(file, pipeline, feedback)
        ports.files.fetch(file, scratch / "dropped")
        taken = _read(file, rules, options, ports, scratch)
    except FileRefusedError as refusal:
        protection = ports.protection()
        reason = {"accepted": 0, "code": str(refusal.reason), "why": refusal.why}
        ports.files.keep_whole(file, reason, copy=protection is None or protection.rule.keeps_originals)
        taken = Taken(refused_file=str(refusal.reason))
    return taken if ports.log.taken(file, taken.counts, taken.refused_file) else None


def _options(file: DroppedFile, pipeline: Pipeline, feedback: Feedback) -> ReadOptions:
    """Return how labels are read: with a header, and never as texts or images in folders."""
    ingest = pipeline.ingest
    named = frozenset({feedback.join, "label", pipeline.target, pipeline.id or "entity"})
    options = ReadOptions(
        max_mb=ingest.max_file_mb, max_columns=ingest.max_columns, encoding=ingest.encoding, expected=named
    )
    if file.size_bytes > options.max_bytes:
        raise options.too_large()
    return options


def _read(file: DroppedFile, rules: LabelRules, options: ReadOptions, ports: Ports, scratch: Path) -> Taken:
    table = protected(open_table(scratch / "dropped", scratch, options), ports.protection())
    received_at = datetime.fromisoformat(file.dropped_at).astimezone(UTC)
    summary, rejected, good = Summary(), RefusedFile(scratch / "rejected.csv"), [LABELS.empty_table()]
    for block in table.blocks():
        labels, rejections = read_labels(block, rules, received_at=received_at, source=file.source)
        good.append(labels)
        summary.add(rejections)
        if len(rejections):
            rejected.add(refused_table(rejections, refused_text(block, rejections), table.names))
    labels = pa.concat_tables(good)
    if labels.num_rows:
        ports.waiting.add(file.digest, labels)
    if kept := rejected.close():
        records = scratch / "refusals.jsonl.gz"
        RefusedRows(kept).write_records(records, file.named)
        ports.files.keep_rows(file, kept, records, {"accepted": labels.num_rows, **summary.as_dict()})
    return Taken(labels.num_rows, summary.rows)
