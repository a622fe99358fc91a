"""Looks how far a batch has come, and settles it when it is complete or has waited long enough."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from posixpath import commonprefix
from typing import Any, Protocol

from headrace.aws.batch_ledger import BatchRecord
from headrace.aws.dropped_files import MARKER, DroppedFile
from headrace.aws.file_ledger import FileRecord, Outcome
from headrace.aws.incoming_files import FileVersion
from headrace.aws.logs import function_logger
from headrace.config.arrival import Arrival
from headrace.ml.files.refusal import FileReason, FileRefusedError
from lambdas.gather_batch.manifest import MAX_BYTES, read_manifest
from lambdas.gather_batch.rules import (
    Batch,
    Progress,
    batch_of_manifest,
    batch_of_marker,
    next_look_s,
    progress,
)

_EARLIER = timedelta(minutes=5)  # the clocks of S3's listing and of its events need not agree
_NAMED = 10  # of the longest names twice as many fit into the 32,768 characters of a failed execution's cause

logger = function_logger()


class Listing(Protocol):
    """What this function needs of the list of dropped files."""

    def versions(self, prefix: str) -> Iterable[FileVersion]:
        """Yield every version of every key below a prefix."""
        ...


class Files(Protocol):
    """What this function needs of the data bucket."""

    def fetch(self, file: DroppedFile, path: Path) -> str:
        """Write a manifest to `path`; `FileRefusedError` if it is gone."""
        ...

    def keep_whole(self, file: DroppedFile, reason: Mapping[str, Any]) -> None:
        """Put a manifest that cannot be used in quarantine."""
        ...


class Ledger(Protocol):
    """What this function needs of the ledger of files."""

    def outcomes(self, since: datetime) -> Mapping[tuple[str, str], Outcome]:
        """Return what became of the files that were dropped since then."""
        ...

    def record(self, file: FileRecord) -> None:
        """Write down a manifest that cannot be used."""
        ...


class Batches(Protocol):
    """What this function needs of the ledger of batches."""

    def record(self, batch: BatchRecord) -> None:
        """Write down an accepted batch."""
        ...


class Events(Protocol):
    """What this function needs of EventBridge."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event of this pipeline."""
        ...


class Metrics(Protocol):
    """What this function needs of CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit counts."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    listing: Listing
    files: Files
    ledger: Ledger
    batches: Batches
    events: Events
    metrics: Metrics
    once: Callable[[DroppedFile, Callable[[], None]], None]
    """Run something for a marker or manifest, unless it was run for it before."""


def gather_batch(event: Mapping[str, Any], arrival: Arrival, ports: Ports, now: datetime) -> dict[str, Any]:
    """Return how far the batch has come that a marker or a manifest speaks of.

    Only what lies in the bucket and in the ledger counts, so that files, their events and the marker may come in any
    order, late or twice.

    Returns
    -------
    dict
        ``state`` is ``waiting`` (look again in ``again_in_s`` seconds), ``accepted``, ``incomplete`` or ``refused``;
        ``why`` is for people.
    """
    note = DroppedFile.from_event(event)
    waited = now - datetime.fromisoformat(note.dropped_at)
    try:
        batch = _batch(note, ports)
    except FileRefusedError as refusal:
        return _refused(note, refusal, ports)
    outcomes = ports.ledger.outcomes(_since(batch)) if any(batch.files.values()) else {}
    found = progress(batch, outcomes, overdue=waited >= timedelta(minutes=arrival.wait_minutes))
    logger.info("batch", extra={"key": note.key, **_summary(batch, found)})
    if found.state == "waiting":
        return {"state": "waiting", "why": _open(found), "again_in_s": next_look_s(waited.total_seconds())}
    if found.state == "incomplete" and arrival.if_missing == "hold":
        return _held_back(note, found, ports)
    return _accepted(note, batch, found, ports, now)


def _batch(note: DroppedFile, ports: Ports) -> Batch:
    if note.key.endswith(f"/{MARKER}"):
        versions = list(ports.listing.versions(note.key.removesuffix(MARKER)))
        return batch_of_marker(versions, upto=_when(note, versions))
    if note.size_bytes > MAX_BYTES:
        why = f"it is larger than {MAX_BYTES // 2**20} MB: make several batches of it"
        raise FileRefusedError(FileReason.MANIFEST, why)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "manifest")
        ports.files.fetch(note, path)
        entries = read_manifest(path.read_bytes(), bucket=note.bucket, key=note.key)
    return batch_of_manifest(entries, ports.listing.versions(commonprefix(list(entries))))


def _when(note: DroppedFile, versions: Iterable[FileVersion]) -> datetime:
    """Return when the marker was dropped, by the clock that the other files were listed by if it is still there."""
    listed = (v.dropped_at for v in versions if (v.key, v.version_id) == (note.key, note.version_id))
    return next(listed, datetime.fromisoformat(note.dropped_at))


def _since(batch: Batch) -> datetime:
    return min(version.dropped_at for version in batch.files.values() if version) - _EARLIER


def _refused(note: DroppedFile, refusal: FileRefusedError, ports: Ports) -> dict[str, Any]:
    def settle() -> None:
        reason = {"accepted": 0, "code": str(refusal.reason), "why": refusal.why}
        ports.files.keep_whole(note, reason)
        record = FileRecord(note.key, note.version_id, note.dropped_at, note.sequencer)
        ports.ledger.record(record.with_(refused=str(refusal.reason)))
        ports.metrics.put({"FilesQuarantined": 1})

    ports.once(note, settle)
    return {"state": "refused", "why": f"{note.key}: {refusal.why}"}


def _held_back(note: DroppedFile, found: Progress, ports: Ports) -> dict[str, Any]:
    ports.once(note, lambda: ports.metrics.put({"FilesMissing": len(found.missing)}))
    why = f"{_open(found)}; drop them, and then {note.key.rpartition('/')[2]} again"
    return {"state": "incomplete", "why": why}


def _accepted(
    note: DroppedFile, batch: Batch, found: Progress, ports: Ports, now: datetime
) -> dict[str, Any]:
    named = found.missing[:_NAMED]
    counts = {"files": len(batch.files), "accepted": found.accepted, "quarantined": found.quarantined}
    record = BatchRecord(note.key, note.version_id, now.isoformat(), **counts, rows=found.rows, missing=named)

    def settle() -> None:
        ports.batches.record(record)
        ports.events.put("BatchAccepted", {"bucket": note.bucket, **asdict(record)})
        needed = sum(key not in batch.optional for key in found.missing)
        ports.metrics.put({"BatchesAccepted": 1, "FilesMissing": needed})

    ports.once(note, settle)
    return {"state": "accepted", "why": _open(found) or "every file is accounted for", **asdict(record)}


def _summary(batch: Batch, found: Progress) -> dict[str, Any]:
    counts = {"files": len(batch.files), "absent": len(found.absent), "untaken": len(found.untaken)}
    return {"state": found.state, "rows": found.rows, **counts, "open": found.missing[:_NAMED]}


def _open(found: Progress) -> str:
    """Name the files that are open, for people; nothing if none is."""
    parts = []
    if found.absent:
        parts.append(f"{len(found.absent)} not here: {_listed(found.absent)}")
    if found.untaken:
        parts.append(f"{len(found.untaken)} here and not taken in yet: {_listed(found.untaken)}")
    return "; ".join(parts)


def _listed(keys: tuple[str, ...]) -> str:
    return ", ".join(keys[:_NAMED]) + (", …" if len(keys) > _NAMED else "")
