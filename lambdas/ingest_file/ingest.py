"""What happens to one dropped file: read, cleaned, stored, written down, announced."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import pandas as pd

from headrace.aws.dropped_files import DroppedFile
from headrace.aws.file_ledger import FileRecord
from headrace.config.pipeline import Pipeline
from headrace.ml.cleaning import Cleaned, clean, summarise
from headrace.ml.contract import Contract, ContractError, Fields, infer_contract
from headrace.ml.table_names import free_name, table_names
from headrace.ml.text_table import TextTable
from lambdas.ingest_file.reading import FileRefusedError, read_table

_MB = 2**20


class Files(Protocol):
    """What is needed of the data bucket."""

    def read(self, file: DroppedFile) -> bytes:
        """Return the file's bytes."""
        ...

    def keep_rows(self, file: DroppedFile, rejected_csv: bytes, reason: Mapping[str, Any]) -> None:
        """Put refused rows in quarantine."""
        ...

    def keep_whole(self, file: DroppedFile, reason: Mapping[str, Any]) -> None:
        """Put the file in quarantine."""
        ...


class Contracts(Protocol):
    """What is needed of the contract's store."""

    def load(self) -> Contract | None:
        """Return the contract, if there is one."""
        ...

    def offer(self, contract: Contract) -> Contract:
        """Make it the contract, unless another was quicker."""
        ...


class Curated(Protocol):
    """What is needed of the catalogue."""

    def write(self, frame: pd.DataFrame, *, source: str, day: str) -> str:
        """Store accepted rows."""
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


@dataclass(frozen=True)
class Ports:
    """Everything outside that ingestion touches."""

    files: Files
    contracts: Contracts
    curated: Curated
    ledger: Ledger
    announcements: Announcements


def ingest(file: DroppedFile, pipeline: Pipeline, ports: Ports) -> FileRecord:
    """Take one file in, or put it in quarantine; nothing of it is lost.

    Each step may be repeated: after a crash the same event leads to the same objects, the same ledger entry, and one
    more announcement, which the guard of the training ignores.

    Returns
    -------
    FileRecord
        What became of the file.
    """
    data = b""
    try:
        if file.size_bytes > pipeline.ingest.max_file_mb * _MB:
            limit = pipeline.ingest.max_file_mb
            raise FileRefusedError("too_large", f"the file is larger than ingest.max_file_mb ({limit} MB)")
        data = ports.files.read(file)
        cleaned = _cleaned(read_table(data, max_mb=pipeline.ingest.max_file_mb), pipeline, ports.contracts)
    except FileRefusedError as refusal:
        ports.files.keep_whole(file, {"accepted": 0, "code": refusal.code, "why": refusal.why})
        record = _record(file, data, refused=refusal.code)
    else:
        record = _stored(file, data, cleaned, ports)
    ports.ledger.record(record)
    if record.rows:
        detail = asdict(record)
        named = {name: detail[name] for name in ("key", "version_id", "rows", "quarantined")}
        ports.announcements.put("DataAccepted", {"bucket": file.bucket, **named})
    return record


def _cleaned(table: TextTable, pipeline: Pipeline, contracts: Contracts) -> Cleaned:
    """Clean the file against the contract; the first file that is good makes it."""
    if not table.cells.num_rows and not table.broken:
        raise FileRefusedError("empty", "the file has a header and no rows")
    contract = contracts.load()
    try:
        cleaned = clean(table, contract or infer_contract(table, _fields(pipeline)))
    except ContractError as error:
        raise FileRefusedError("contract", str(error)) from None
    limit = pipeline.ingest.max_bad_row_share
    if cleaned.bad_row_share > limit:
        counts = summarise(cleaned.rejections)["counts"]
        most = f"column {counts[0]['column']!r}: {counts[0]['means']}" if counts else ""
        share = f"{cleaned.bad_row_share:.0%} of its rows are bad"
        raise FileRefusedError("too_many_bad_rows", f"{share}, more than ingest.max_bad_row_share; {most}")
    if contract is None and len(cleaned.frame):
        agreed = contracts.offer(infer_contract(table, _fields(pipeline)))
        return clean(table, agreed)
    return cleaned


def _fields(pipeline: Pipeline) -> Fields:
    return Fields(
        pipeline.problem,
        pipeline.target,
        id=pipeline.id,
        time=pipeline.time,
        group=pipeline.split.group,
        ignore=pipeline.ignore,
        columns=pipeline.columns,
    )


def _stored(file: DroppedFile, data: bytes, cleaned: Cleaned, ports: Ports) -> FileRecord:
    paths: tuple[str, ...] = ()
    if len(cleaned.frame):
        source = f"{file.key}#{file.version_id}"
        frame = cleaned.frame.rename(columns=table_names(cleaned.frame.columns))
        paths = (ports.curated.write(frame, source=source, day=file.dropped_at[:10]),)
    if cleaned.rejections:
        reason = {"accepted": len(cleaned.frame), **summarise(cleaned.rejections)}
        ports.files.keep_rows(file, _rejected_csv(cleaned), reason)
    return _record(file, data, rows=len(cleaned.frame), quarantined=len(cleaned.rejections), paths=paths)


def _rejected_csv(cleaned: Cleaned) -> bytes:
    """Return the refused rows as they were, with the column and the reason in front."""
    table = cleaned.rejected_text.copy()
    added = {
        "bad_column": [rejection.column or "" for rejection in cleaned.rejections],
        "reason": [str(rejection.reason) for rejection in cleaned.rejections],
    }
    for place, (name, values) in enumerate(added.items(), start=1):
        table.insert(place, free_name(name, table.columns), values)
    return table.to_csv(index=False).encode()


def _record(
    file: DroppedFile,
    data: bytes,
    *,
    rows: int = 0,
    quarantined: int = 0,
    paths: tuple[str, ...] = (),
    refused: str | None = None,
) -> FileRecord:
    sha256 = hashlib.sha256(data).hexdigest() if data else ""
    return FileRecord(file.key, file.version_id, file.dropped_at, rows, quarantined, paths, sha256, refused)
