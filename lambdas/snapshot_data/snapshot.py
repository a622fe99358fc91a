"""What a snapshot is made of, and what is written beside its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import pyarrow as pa

from headrace.aws.curated import CuratedFile
from headrace.aws.large_snapshots import ORDERS, SnapshotOrder, SnapshotOutcome
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
from headrace.ml.recency import RECENCY, Earlier
from headrace.ml.snapshot_rows import SnapshotError, described
from headrace.ml.split import PARTS
from lambdas.snapshot_data.parts import deal, rule_of, window_of

_ROWS_OF_A_FILE = 250_000
# Measured: a million rows of 15 mixed columns take 67 bytes a cell while they are dealt.
_BYTES_OF_A_CELL = 70
_MB = 2**20
_OF_THE_LEDGER = ("key", "version_id", "sha256", "sk", "contract_version", "rows", "curated_paths")


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


class Folder(Protocol):
    """What this function needs of the folder that it shares with the job."""

    @property
    def uri(self) -> str:
        """Where it is."""
        ...

    def order(self) -> SnapshotOrder:
        """Return what was to be done."""
        ...

    def write_order(self, order: SnapshotOrder) -> None:
        """Say what is to be done."""
        ...

    def outcome(self) -> SnapshotOutcome:
        """Return what was done."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function; without large data there is no `folder` of a run."""

    files: Callable[[], Sequence[Mapping[str, Any]]]
    contract: Callable[[], Contract | None]
    read: Callable[[str], CuratedFile]
    store: Store
    memory_mb: int
    folder: Callable[[str], Folder] | None = None
    manifest: Callable[[str], Mapping[str, Any] | None] = lambda _: None


@dataclass(frozen=True)
class _Made:
    """A snapshot whose rows are written: its hash, its parts, and the curated files in order."""

    content_hash: str
    parts: Mapping[str, Mapping[str, Any]]
    replaced: int
    sources: Sequence[Mapping[str, Any]]
    learned_upto: str | float | None
    window: Mapping[str, Any] | None
    salt: int | None = None


def snapshot_data(
    run: str, pipeline: Pipeline, code_version: str, ports: Ports, champion: str | None = None
) -> dict[str, Any]:
    """Write the parts of all accepted files below ``snapshots/<hash>/`` and say where they are.

    The same rows are written as the same bytes to the same place, in whatever files and order they came. Which rows of the
    test part came after the snapshot of the model in service, whose hash is `champion`, is written beside, for this run. What
    does not fit into memory is left to the Spark job, if there is one: then the answer says where its order is.
    """
    order = _order(pipeline, ports, champion)
    most = ports.memory_mb * _MB // (_BYTES_OF_A_CELL * len(order.contract.columns))
    rows = sum(item["rows"] for item in order.files)
    if rows <= most:
        return _recorded(run, _made(run, order, pipeline, ports), order, pipeline, code_version, ports.store)
    if ports.folder is None:
        raise SnapshotError(
            f"{rows:,} accepted rows are more than the {most:,} of {len(order.contract.columns)} columns that can be "
            f"dealt in {ports.memory_mb} MB: add the block `large_data` to the pipeline file"
        )
    folder = ports.folder(run)
    folder.write_order(order)
    return {"large": True, "folder": folder.uri}


def describe_snapshot(run: str, pipeline: Pipeline, code_version: str, ports: Ports) -> dict[str, Any]:
    """Write down what the Spark job has made of the order of a run, and answer as for a snapshot of this function."""
    assert ports.folder is not None
    folder = ports.folder(run)
    outcome = folder.outcome()
    if outcome.refused or outcome.parts is None:
        raise SnapshotError(outcome.refused or "the Spark job has left no snapshot")
    made = _Made(
        outcome.content_hash,
        outcome.parts,
        outcome.replaced,
        outcome.sources,
        outcome.learned_upto,
        outcome.window,
        outcome.salt,
    )
    return _recorded(run, made, folder.order(), pipeline, code_version, ports.store)


def _order(pipeline: Pipeline, ports: Ports, champion: str | None) -> SnapshotOrder:
    contract = ports.contract()
    if contract is None:
        raise SnapshotError("no file has been accepted yet")
    files = tuple(_plain(item) for item in ports.files())
    manifest = ports.manifest(f"snapshots/{champion[:16]}/manifest.json") if champion else None
    earlier = None if manifest is None else Earlier.of_manifest(manifest)
    return SnapshotOrder(
        files, contract, rule_of(pipeline), pipeline.cleaning.same_id, window_of(pipeline), earlier
    )


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is needed of an item of the ledger; its numbers come as decimals."""
    named = {name: item.get(name) for name in _OF_THE_LEDGER}
    version = named["contract_version"]
    numbers = {"rows": int(item["rows"]), "contract_version": None if version is None else int(version)}
    return {**named, **numbers, "curated_paths": list(item["curated_paths"])}


def _made(run: str, order: SnapshotOrder, pipeline: Pipeline, ports: Ports) -> _Made:
    """Deal the rows here."""
    read = [ports.read(uri) for uri in order.curated]
    tables = [file.table for file in read]
    snapshot = deal(tables, pipeline, order.contract, order.earlier, order.had)
    prefix = f"snapshots/{snapshot.content_hash[:16]}"
    parts = {
        part: {"rows": table.num_rows, "files": _written(f"{prefix}/{part}", table, ports.store)}
        for part, table in snapshot.parts.items()
    }
    _written(f"{ORDERS}{run}/{RECENCY}", pa.table({RECENCY: snapshot.marks}), ports.store)
    return _Made(
        snapshot.content_hash,
        parts,
        snapshot.replaced,
        [file.as_dict() for file in read],
        snapshot.learned_upto,
        snapshot.window.as_dict() if snapshot.window else None,
        snapshot.salt,
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


def _recorded(
    run: str, made: _Made, order: SnapshotOrder, pipeline: Pipeline, code_version: str, store: Store
) -> dict[str, Any]:
    """Write what a job needs to know and the manifest, and return where everything is."""
    prefix = f"snapshots/{made.content_hash[:16]}"
    store.write_json(f"{prefix}/spec/spec.json", _spec(made, order.contract, pipeline, code_version))
    seen = {
        "rows_seen": sum(item["rows"] for item in order.files),
        "upto": max((item["sk"] for item in order.files), default=""),
    }
    manifest = {
        "content_hash": made.content_hash,
        "code_version": code_version,
        "pipeline": pipeline.name,
        "files": list(_sources(order, made)),
        "contract_version": order.contract.version,
        **seen,
        "rule": order.dealt_with(made.salt).identity,
        "learned_upto": made.learned_upto,
        "window": made.window,
        "replaced_rows": made.replaced,
        "parts": made.parts,
    }
    store.write_json(f"{prefix}/manifest.json", manifest)
    return {
        "large": False,
        "content_hash": made.content_hash,
        **{f"{part}_uri": store.uri(f"{prefix}/{part}/") for part in [*PARTS, "spec"]},
        "manifest_uri": store.uri(f"{prefix}/manifest.json"),
        "recency_uri": store.uri(f"{ORDERS}{run}/{RECENCY}/"),
        "window": made.window["why"] if made.window else "all rows are learned from",
        "rows": {part: about["rows"] for part, about in made.parts.items()},
        **seen,
    }


def _spec(made: _Made, contract: Contract, pipeline: Pipeline, code_version: str) -> dict[str, Any]:
    """Return what a job needs to know beside the rows."""
    return {
        "pipeline": pipeline.model_dump(mode="json"),
        "schema": [{"name": column.name, "kind": column.kind} for column in contract.features],
        "contract": described(contract),
        "content_hash": made.content_hash,
        "code_version": code_version,
        "window": made.window,
    }


def _sources(order: SnapshotOrder, made: _Made) -> Iterator[dict[str, Any]]:
    """Say which dropped files the curated ones came from."""
    curated = iter(made.sources)
    for item in order.files:
        yield {
            **{name: item[name] for name in ("key", "version_id", "sha256", "contract_version", "rows")},
            "accepted": item["sk"],
            "curated": list(islice(curated, len(item["curated_paths"]))),
        }
