"""What happens to a large file once it was cleaned: its contract, its place in the catalogue, its entry in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import IOBase
from typing import Any, Protocol

import pyarrow as pa

from headrace.aws.dropped_files import DroppedFile
from headrace.aws.file_ledger import FileRecord
from headrace.aws.large_files import LargeFileOrder, LargeFileOutcome
from headrace.ml.contract import Contract
from headrace.ml.files.refusal import FileReason
from headrace.ml.good_rows import curated_schema
from headrace.ml.ingest_profile import profile_parts


class Folder(Protocol):
    """What is needed of the work folder."""

    def order(self) -> LargeFileOrder:
        """Return what was to be done."""
        ...

    def order_again(self, order: LargeFileOrder) -> None:
        """Let it be done otherwise."""
        ...

    def outcome(self) -> LargeFileOutcome:
        """Return what was found."""
        ...

    def delete(self) -> None:
        """Delete what is in it."""
        ...


class Files(Protocol):
    """What is needed of the data bucket; refused rows are in quarantine already."""

    def keep_whole(self, file: DroppedFile, reason: Mapping[str, Any], *, copy: bool = True) -> None:
        """Put the file in quarantine, or say where it is."""
        ...


class Contracts(Protocol):
    """What is needed of the contract's store."""

    def offer(self, contract: Contract) -> Contract:
        """Make it the contract, unless another was quicker."""
        ...


class Curated(Protocol):
    """What is needed of the catalogue."""

    def register(self, schema: pa.Schema, *, day: str) -> None:
        """Make the rows of a day known."""
        ...


class Profiles(Protocol):
    """What is needed of the profiles of accepted files."""

    def keep(self, profile: Mapping[str, Any], *, source: str, day: str) -> None:
        """Write the profile of accepted rows."""
        ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    def record(self, file: FileRecord) -> None:
        """Write down what became of the file."""
        ...


class Announcements(Protocol):
    """What is needed of the event bus."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event."""
        ...


class Leftovers(Protocol):
    """What is needed of what a failed run has written."""

    def delete(self, file: DroppedFile) -> None:
        """Delete it."""
        ...

    def delete_refused(self, file: DroppedFile) -> None:
        """Delete the refused rows alone."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that closing touches."""

    folder: Callable[[str], Folder]
    files: Files
    leftovers: Leftovers
    contracts: Contracts
    curated: Curated
    rows: Callable[[str], IOBase]
    profiles: Profiles
    ledger: Ledger
    announcements: Announcements


def close(folder_uri: str, error: Mapping[str, str], ports: Ports) -> FileRecord | None:
    """Write down what became of a large file; every step may be repeated.

    Parameters
    ----------
    folder_uri : str
        Where the order and the outcome are.
    error : mapping of str to str
        What the state machine has caught: ``Error`` and ``Cause``; empty if the job has ended well.
    ports : Ports
        Everything outside.

    Returns
    -------
    FileRecord or None
        What became of the file; None if it must be cleaned again, against the contract that another file has made
        meanwhile.
    """
    folder = ports.folder(folder_uri)
    order = folder.order()
    outcome = _failed(error) if error else folder.outcome()
    if outcome.contract and outcome.rows and outcome.contract != order.contract:
        agreed = ports.contracts.offer(outcome.contract)
        if agreed != outcome.contract:
            folder.order_again(order.against(agreed))
            return None
    record = _refused(order, outcome, ports) if outcome.refused else _taken(order.file, outcome, ports)
    ports.ledger.record(record)
    if record.rows:
        ports.announcements.put("DataAccepted", record.announcement(order.file.bucket))
    folder.delete()
    return record


def _failed(error: Mapping[str, str]) -> LargeFileOutcome:
    why = f"the Spark job has failed ({error.get('Error', 'unknown')}): its run in AWS Glue says why; drop the file again"
    return LargeFileOutcome(refused=str(FileReason.LARGE_JOB_FAILED), why=why)


def _refused(order: LargeFileOrder, outcome: LargeFileOutcome, ports: Ports) -> FileRecord:
    file = order.file
    ports.leftovers.delete(file)
    version = order.contract.version if order.contract else None
    reason = {"contract_version": version, "accepted": 0, "code": outcome.refused, "why": outcome.why}
    ports.files.keep_whole(file, reason, copy=order.protection is None or order.protection.keeps_originals)
    record = FileRecord(file.key, file.version_id, file.dropped_at, file.sequencer)
    return record.with_(refused=outcome.refused, personal_data=outcome.personal)


def _taken(file: DroppedFile, outcome: LargeFileOutcome, ports: Ports) -> FileRecord:
    if not outcome.quarantined:
        ports.leftovers.delete_refused(file)
    if outcome.curated and outcome.contract:
        day = file.dropped_at[:10]
        ports.curated.register(curated_schema(outcome.contract), day=day)
        profile = profile_parts(outcome.curated, outcome.contract, ports.rows)
        ports.profiles.keep(profile.as_dict(), source=file.source, day=day)
    return FileRecord(
        file.key,
        file.version_id,
        file.dropped_at,
        file.sequencer,
        rows=outcome.rows,
        quarantined=outcome.quarantined,
        curated_paths=outcome.curated,
        flagged=outcome.flagged,
        reasons=outcome.reasons,
        contract_version=outcome.contract.version if outcome.contract else None,
        personal_data=outcome.personal,
    )
