"""Freeze all accepted data in one snapshot that a training can be repeated from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3
import pyarrow as pa
from aws_lambda_powertools import Logger

from headrace.aws.contract_store import ContractStore
from headrace.aws.curated import CuratedFile, SnapshotStore, read_curated
from headrace.aws.training_log import TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
from lambdas.snapshot_data.parts import Snapshot, SnapshotError, deal, described

_ROWS_OF_A_FILE = 250_000
_BYTES_OF_A_CELL = (
    70  # measured: a million rows of 15 mixed columns take 67 bytes a cell while they are dealt
)
_MB = 2**20
_MOST_MB = 10_240

logger = Logger()


class Store(Protocol):
    """What this function needs of the artifacts bucket."""

    def write_table(self, key: str, table: pa.Table) -> str:
        """Write rows and return the checksum."""
        ...

    def write_json(self, key: str, document: Mapping[str, Any]) -> str:
        """Write a document and return the checksum."""
        ...

    def uri(self, key: str) -> str:
        """Return where a key is."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    files: Callable[[], Sequence[Mapping[str, Any]]]
    contract: Callable[[], Contract | None]
    read: Callable[[str], CuratedFile]
    store: Store
    memory_mb: int


@cache
def _deps() -> tuple[Pipeline, str, Ports]:
    client = boto3.client("s3")
    log = TrainingLog(boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"]))
    bucket = os.environ["ARTIFACTS_BUCKET"]
    ports = Ports(
        files=log.files,
        contract=ContractStore(client, bucket).load,
        read=lambda uri: read_curated(client, uri),
        store=SnapshotStore(client, bucket),
        memory_mb=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
    )
    return bundled_pipeline(), os.environ["CODE_VERSION"], ports


def snapshot_data(pipeline: Pipeline, code_version: str, ports: Ports) -> dict[str, Any]:
    """Write the parts of all accepted files below ``snapshots/<hash>/`` and say where they are.

    The same rows are written as the same bytes to the same place, in whatever files and order they came.
    """
    files, contract = list(ports.files()), ports.contract()
    if contract is None:
        raise SnapshotError("no file has been accepted yet")
    _check_size(sum(int(item["rows"]) for item in files), contract, ports.memory_mb)
    read = [[ports.read(uri) for uri in item["curated_paths"]] for item in files]
    snapshot = deal([file.table for group in read for file in group], pipeline, contract)
    prefix = f"snapshots/{snapshot.content_hash[:16]}"
    written = {
        part: _written(f"{prefix}/{part}", table, ports.store) for part, table in snapshot.parts.items()
    }
    ports.store.write_json(f"{prefix}/spec/spec.json", _spec(snapshot, contract, pipeline, code_version))
    rows_seen = sum(int(item["rows"]) for item in files)
    upto = max((str(item["sk"]) for item in files), default="")
    manifest = {
        "content_hash": snapshot.content_hash,
        "code_version": code_version,
        "pipeline": pipeline.name,
        "files": [_source(item, group) for item, group in zip(files, read, strict=True)],
        "contract_version": contract.version,
        "upto": upto,
        "rows_seen": rows_seen,
        "replaced_rows": snapshot.replaced,
        "parts": {
            part: {"rows": table.num_rows, "files": written[part]} for part, table in snapshot.parts.items()
        },
    }
    ports.store.write_json(f"{prefix}/manifest.json", manifest)
    rows = {part: table.num_rows for part, table in snapshot.parts.items()}
    logger.info("snapshot", extra={"content_hash": snapshot.content_hash, "rows": rows})
    return {
        "content_hash": snapshot.content_hash,
        **{f"{part}_uri": ports.store.uri(f"{prefix}/{part}/") for part in [*snapshot.parts, "spec"]},
        "manifest_uri": ports.store.uri(f"{prefix}/manifest.json"),
        "rows": rows,
        "rows_seen": rows_seen,
        "upto": upto,
    }


def _check_size(rows: int, contract: Contract, memory_mb: int) -> None:
    """Refuse what would not fit, before anything is read."""
    most = memory_mb * _MB // (_BYTES_OF_A_CELL * len(contract.columns))
    if rows > most:
        raise SnapshotError(
            f"{rows:,} accepted rows are more than the {most:,} of {len(contract.columns)} columns that can be dealt in "
            f"{memory_mb} MB: with the block `large_data` it would be {_MOST_MB}; beyond that, drop fewer rows or columns"
        )


def _written(prefix: str, table: pa.Table, store: Store) -> list[dict[str, Any]]:
    """Write a part as files that a training can read at the same time; an empty part is one empty file."""
    files = []
    for number, start in enumerate(range(0, max(table.num_rows, 1), _ROWS_OF_A_FILE)):
        rows = table.slice(start, _ROWS_OF_A_FILE)
        name = f"part-{number:05d}.parquet"
        checksum = store.write_table(f"{prefix}/{name}", rows)
        files.append({"name": name, "rows": rows.num_rows, "sha256": checksum})
    return files


def _spec(snapshot: Snapshot, contract: Contract, pipeline: Pipeline, code_version: str) -> dict[str, Any]:
    """Return what a job needs to know beside the rows."""
    return {
        "pipeline": pipeline.model_dump(mode="json"),
        "schema": [{"name": column.name, "kind": column.kind} for column in contract.features],
        "contract": described(contract),
        "content_hash": snapshot.content_hash,
        "code_version": code_version,
    }


def _source(item: Mapping[str, Any], files: Sequence[CuratedFile]) -> dict[str, Any]:
    """Say which dropped file the curated ones came from."""
    return {
        **{name: item.get(name) for name in ("key", "version_id", "sha256")},
        "contract_version": _whole(item.get("contract_version")),
        "accepted": item["sk"],
        "rows": int(item["rows"]),
        "curated": [file.as_dict() for file in files],
    }


def _whole(number: Any) -> int | None:
    """Return a number of the ledger, which comes as a decimal, or None for a file from before contracts had versions."""
    return None if number is None else int(number)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return snapshot_data(*_deps())
