"""What happens to one dropped file: read, cleaned, stored, written down, announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from headrace.aws.dropped_files import DroppedFile
from headrace.aws.file_ledger import FileRecord
from headrace.aws.large_files import LargeFileOrder
from headrace.aws.privacy import KeySecrets
from headrace.config.declared import declared_fields, evolution_rules
from headrace.config.pipeline import Pipeline
from headrace.config.reading import read_options
from headrace.ml.bad_rows import check_share
from headrace.ml.clean_file import CleanedFile, clean_file
from headrace.ml.cleaning_steps.registry import CleaningStepError
from headrace.ml.contract import Contract, ContractError
from headrace.ml.file_contract import proposed_contract, rows_needed, settled_contract
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import head_of
from headrace.ml.files.table_file import TableFile, open_table
from headrace.ml.ingest_profile import profile_curated
from headrace.ml.observation import Observer
from headrace.ml.privacy.detection import MOST_ROWS, look_for_personal
from headrace.ml.privacy.protection import Protection, ProtectionRule, protected
from headrace.ml.refused_rows import RefusedRows

_ROUNDS = 5


class ContractBusyError(Exception):
    """Other files keep changing the contract; the file comes again."""


class Files(Protocol):
    """What is needed of the data bucket."""

    def fetch(self, file: DroppedFile, path: Path) -> str:
        """Write the file to `path` and return its SHA-256; `FileRefusedError` if it is gone."""
        ...

    def was_rewritten(self, file: DroppedFile) -> bool:
        """Tell whether an erasure has written the file."""
        ...

    def keep_rows(self, file: DroppedFile, rejected: Path, records: Path, reason: Mapping[str, Any]) -> None:
        """Put refused rows in quarantine, with a record of each."""
        ...

    def keep_whole(self, file: DroppedFile, reason: Mapping[str, Any], *, copy: bool = True) -> None:
        """Put the file in quarantine, or say where it is."""
        ...


class Contracts(Protocol):
    """What is needed of the contract's store."""

    def load(self) -> Contract | None:
        """Return the contract, if there is one."""
        ...

    def offer(self, contract: Contract) -> Contract:
        """Make it the contract, unless another was quicker; return the one that counts."""
        ...


class Curated(Protocol):
    """What is needed of the catalogue."""

    def store(self, rows: Path, *, source: str, day: str) -> str:
        """Store accepted rows, and return where they are."""
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


class LargeFiles(Protocol):
    """What is needed of the state machine that cleans large files."""

    def hand_over(self, order: LargeFileOrder) -> None:
        """Let it take the file in."""
        ...


class PersonalData(Protocol):
    """What is needed of the pipeline's protection."""

    @property
    def secrets(self) -> KeySecrets:
        """Where the keys are."""
        ...

    def rule(self) -> ProtectionRule | None:
        """Return what is to be hidden."""
        ...

    def protection(self) -> Protection | None:
        """Return it with its key."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that ingestion touches."""

    files: Files
    contracts: Contracts
    curated: Curated
    profiles: Profiles
    ledger: Ledger
    announcements: Announcements
    large_files: LargeFiles | None = None
    personal: PersonalData | None = None


@dataclass(frozen=True)
class _Taken:
    """A file that was cleaned, what it was cleaned against, and what looks personal in it."""

    contract: Contract
    cleaned: CleanedFile
    personal: Mapping[str, str]


def ingest(file: DroppedFile, pipeline: Pipeline, ports: Ports, scratch: Path) -> FileRecord | None:
    """Take one file in, put it in quarantine, or hand it over to those who take large ones; nothing of it is lost.

    Each step may be repeated: after a crash the same event leads to the same objects, the same ledger entry, and one
    more announcement, which the guard of the training ignores.

    Parameters
    ----------
    file : DroppedFile
        Which.
    pipeline : Pipeline
        What it must be.
    ports : Ports
        Everything outside.
    scratch : Path
        An empty folder with room for five times the largest file.

    Returns
    -------
    FileRecord or None
        What became of the file; None if it was handed over.
    """
    record = FileRecord(file.key, file.version_id, file.dropped_at, file.sequencer)
    try:
        _check_size(file, pipeline)
        record = record.with_(sha256=ports.files.fetch(file, scratch / "dropped"))
        taken = _cleaned(file, pipeline, ports, scratch)
    except FileRefusedError as refusal:
        if refusal.reason == FileReason.TOO_LARGE and _handed_over(file, pipeline, ports):
            return None
        present = ports.contracts.load()
        held_against = {"contract_version": present.version if present else None}
        reason = {**held_against, "accepted": 0, "code": str(refusal.reason), "why": refusal.why}
        rule = ports.personal.rule() if ports.personal else None
        ports.files.keep_whole(file, reason, copy=rule is None or rule.keeps_originals)
        record = record.with_(refused=str(refusal.reason), personal_data=refusal.personal)
    else:
        record = record.with_(contract_version=taken.contract.version, personal_data=taken.personal)
        record = _stored(file, record, taken.contract, taken.cleaned, ports)
    ports.ledger.record(record)
    if record.rows:
        ports.announcements.put("DataAccepted", record.announcement(file.bucket))
    return record


def _check_size(file: DroppedFile, pipeline: Pipeline) -> None:
    if file.size_bytes > read_options(pipeline).max_bytes:
        why = f"the file is larger than ingest.max_file_mb ({pipeline.ingest.max_file_mb} MB)"
        raise FileRefusedError(FileReason.TOO_LARGE, why)


def _handed_over(file: DroppedFile, pipeline: Pipeline, ports: Ports) -> bool:
    """Hand a file over that is too large for this function, unless it is too large for everybody."""
    if ports.large_files is None or file.size_bytes > read_options(pipeline, large=True).max_bytes:
        return False
    contract = ports.contracts.load()
    order = LargeFileOrder(
        file,
        declared_fields(pipeline),
        evolution_rules(pipeline),
        read_options(pipeline, contract, large=True),
        pipeline.ingest.max_bad_row_share,
        contract,
        ports.personal.rule() if ports.personal else None,
        ports.personal.secrets.hashes if ports.personal else "",
    )
    ports.large_files.hand_over(order)
    return True


def _cleaned(file: DroppedFile, pipeline: Pipeline, ports: Ports, scratch: Path) -> _Taken:
    """Clean the file against the contract; the first good file makes it, and a good file may change it.

    If another file was quicker to change it, this one is cleaned again, against what that has made of it.
    """
    protection = ports.personal.protection() if ports.personal else None
    for _ in range(_ROUNDS):
        contract = ports.contracts.load()
        options = replace(read_options(pipeline, contract), key=file.key)
        table = protected(open_table(scratch / "dropped", scratch, options), protection)
        personal = _looked_for_personal(table, protection)
        try:
            proposed, cleaned = _against(contract, table, pipeline, scratch, retry=file.is_retry)
        except ContractError as error:
            raise FileRefusedError(FileReason.CONTRACT, str(error)) from None
        except CleaningStepError as error:
            raise FileRefusedError(FileReason.CLEANING_STEP, str(error)) from None
        if proposed is contract or not cleaned.rows or ports.contracts.offer(proposed) == proposed:
            return _Taken(proposed, cleaned, personal)
    raise ContractBusyError(f"the contract has changed {_ROUNDS} times while the file was cleaned")


def _looked_for_personal(table: TableFile, protection: Protection | None) -> Mapping[str, str]:
    if protection is None or protection.rule.undeclared == "off":
        return {}
    return look_for_personal(head_of(table, rows=MOST_ROWS).cells, protection.rule)


def _against(
    contract: Contract | None, table: TableFile, pipeline: Pipeline, scratch: Path, *, retry: bool
) -> tuple[Contract, CleanedFile]:
    """Clean the file against `contract`, or what the file makes of it; return that and the rows."""
    rules, head = evolution_rules(pipeline), head_of(table, rows=rows_needed(contract))
    proposed = proposed_contract(contract, head, declared_fields(pipeline), rules, retry=retry)
    observer = Observer(proposed, thorough=contract is None)
    cleaned = clean_file(table, proposed, scratch, observer)
    if not retry:
        check_share(cleaned.rows, cleaned.summary, pipeline.ingest.max_bad_row_share)
    return settled_contract(proposed, contract, observer, rules), cleaned


def _stored(
    file: DroppedFile, record: FileRecord, contract: Contract, cleaned: CleanedFile, ports: Ports
) -> FileRecord:
    paths: tuple[str, ...] = ()
    if cleaned.good:
        source, day = file.source, file.dropped_at[:10]
        paths = (ports.curated.store(cleaned.good, source=source, day=day),)
        ports.profiles.keep(profile_curated(cleaned.good, contract).as_dict(), source=source, day=day)
    if cleaned.rejected:
        records = cleaned.rejected.with_name("refusals.jsonl.gz")
        held_against = {"contract_version": record.contract_version}
        RefusedRows(cleaned.rejected).write_records(records, {**file.named, **held_against})
        reason = {**held_against, "accepted": cleaned.rows, **cleaned.summary.as_dict()}
        ports.files.keep_rows(file, cleaned.rejected, records, reason)
    return record.with_(
        rows=cleaned.rows,
        quarantined=cleaned.summary.rows,
        flagged=cleaned.flagged.total(),
        curated_paths=paths,
        reasons=cleaned.summary.by_reason(),
    )
