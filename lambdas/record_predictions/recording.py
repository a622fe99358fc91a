"""From captured objects to recorded rows: each chunk is announced, written and acknowledged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from headrace.aws.athena_types import athena_types
from headrace.aws.capture_window import LATENESS, StoredObject, take
from headrace.aws.captured_profiles import CapturedProfile
from headrace.aws.monitor_ledger import Progress
from headrace.aws.prediction_index import IndexedFile
from headrace.aws.predictions import Portion
from headrace.ml.deployed_model import DeployedModel
from headrace.ml.id_filter import IdFilter
from lambdas.record_predictions.requests import Requests
from lambdas.record_predictions.rows import read_rows_of

MAX_BYTES = 16 * 2**20
"""Captured data of one chunk, some 150,000 rows of twelve features; a single larger object is a chunk of its own."""

MAX_OBJECTS = 1000
"""Their keys are announced in one item of the ledger, which may have 400 KB."""


class Captured(Protocol):
    """What is needed of the captured predictions."""

    def variants(self) -> list[str]:
        """Return the variants that have answered anything."""
        ...

    def list_objects(self, variant: str, first_hour: str) -> list[StoredObject]:
        """Return the objects of a variant from a partition on."""
        ...

    def read(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield objects."""
        ...


class Baselines(Protocol):
    """What is needed of the models' documents."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...


class ProgressLog(Protocol):
    """What is remembered from one run to the next."""

    def load(self, variant: str) -> Progress:
        """Return how far the recording has come."""
        ...

    def save(self, variant: str, progress: Progress) -> Progress:
        """Write it over the version it was made from."""
        ...


class Store(Protocol):
    """Where rows and profiles go."""

    def events_before(self, portion: Portion) -> set[int]:
        """Return the requests that earlier chunks recorded."""
        ...

    def write_events(self, portion: Portion, digests: Set[int]) -> None:
        """Note which requests a portion holds."""
        ...

    def write_rows(self, portion: Portion, rows: pa.Table) -> tuple[str, int]:
        """Write rows; return where, and how many bytes."""
        ...

    def write_profile(self, portion: Portion, profile: CapturedProfile) -> None:
        """Write a profile."""
        ...


class Table(Protocol):
    """What is needed of the catalogue."""

    def learn(self, variant: str, columns: Mapping[str, str]) -> None:
        """Make a variant and columns known."""
        ...


class Index(Protocol):
    """Where it is written down which ids a file of rows has."""

    def add(self, file: IndexedFile) -> None:
        """Write down what a file has."""
        ...


class Clock(Protocol):
    """Where the time of the last prediction is kept."""

    def note(self, at: datetime) -> None:
        """Write it down."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that recording touches."""

    captured: Captured
    baselines: Baselines
    progress: ProgressLog
    store: Store
    table: Table
    last_prediction: Clock
    index: Index


@dataclass(frozen=True)
class Recorded:
    """What one chunk was.

    Parameters
    ----------
    variant : str
        Who answered.
    rows, requests, unreadable, duplicates : int
        Rows and requests that were recorded, records that are none, records that came a second time.
    """

    variant: str
    rows: int = 0
    requests: int = 0
    unreadable: int = 0
    duplicates: int = 0

    def __add__(self, other: Recorded) -> Recorded:
        """Return both together."""
        return Recorded(
            self.variant,
            self.rows + other.rows,
            self.requests + other.requests,
            self.unreadable + other.unreadable,
            self.duplicates + other.duplicates,
        )


@dataclass
class Recording:
    """Records what was captured since the last time, in chunks.

    Parameters
    ----------
    ports : Ports
        What is outside.
    entity : str or None
        The column that tells what a row is about.
    goes_on : callable
        Tells whether another chunk fits.
    more : bool
        Whether chunks were left because none fitted any more.
    """

    ports: Ports
    entity: str | None
    goes_on: Callable[[], bool]
    more: bool = field(default=False, init=False)

    def chunks(self, now: datetime) -> Iterator[Recorded]:
        """Record chunk after chunk, of one variant after the other.

        A chunk is announced before anything of it is written, so after a crash at any point the next run does the same
        work again: it writes what is missing, and finds the rest written. Nothing is lost, nothing comes twice.

        Raises
        ------
        OvertakenError
            If another run has moved on with a variant in the meantime; it has done the same work.
        """
        for variant in self.ports.captured.variants():
            yield from self._of_variant(variant, now)

    def _of_variant(self, variant: str, now: datetime) -> Iterator[Recorded]:
        progress = self.ports.progress.load(variant)
        listed = self.ports.captured.list_objects(variant, progress.checkpoint.first_hour())
        new = progress.checkpoint.after(listed)
        if not new:
            return
        model = DeployedModel.of(self.ports.baselines.load(f"baselines/{variant}/baseline.json"))
        while ready := _ready(new, model, now):
            if not self.goes_on():
                self.more = True
                return
            if not progress.pending:
                progress = self._announced(variant, progress, ready)
            pending = set(progress.pending)
            chunk = [item for item in ready if item.key in pending]
            yield self._record(variant, model, progress.chunk, chunk)
            new = [item for item in new if item.key not in pending]
            left = {item.key for item in new}
            taken = [item for item in listed if item.key not in left]
            done = replace(progress, checkpoint=progress.checkpoint.advanced(taken), pending=())
            progress = self.ports.progress.save(variant, done)

    def _announced(self, variant: str, progress: Progress, waiting: Sequence[StoredObject]) -> Progress:
        chunk = take(waiting, max_bytes=MAX_BYTES, max_objects=MAX_OBJECTS)
        keys = tuple(item.key for item in chunk)
        return self.ports.progress.save(variant, replace(progress, pending=keys, chunk=progress.chunk + 1))

    def _record(
        self, variant: str, model: DeployedModel, number: int, chunk: Iterable[StoredObject]
    ) -> Recorded:
        hours: dict[datetime, list[str]] = defaultdict(list)
        for item in chunk:
            hours[item.hour].append(item.key)
        recorded, known = Recorded(variant), set[int]()
        for hour in sorted(hours):
            portion = Portion(variant, hour, number, tuple(sorted(hours[hour])))
            requests = Requests(known | self.ports.store.events_before(portion))
            requests.add(self.ports.captured.read(portion.keys))
            known |= requests.digests
            recorded += self._write(portion, requests, model)
        return recorded

    def _write(self, portion: Portion, requests: Requests, model: DeployedModel) -> Recorded:
        rows, store = read_rows_of(requests, model, self.entity), self.ports.store
        if rows.table.num_rows:
            self.ports.table.learn(portion.variant, athena_types(rows.table.schema))
            self.ports.index.add(indexed_file(*store.write_rows(portion, rows.table), rows.table))
        if captures := requests.captures:
            store.write_events(portion, requests.digests)
            self.ports.last_prediction.note(captures[-1].time)
        if rows.profile:
            store.write_profile(portion, rows.profile)
        return Recorded(
            portion.variant, rows.table.num_rows, rows.requests, rows.unreadable, requests.duplicates
        )


def indexed_file(key: str, size_bytes: int, rows: pa.Table) -> IndexedFile:
    """Return what finds one of the rows again without opening their file."""
    known = [pc.unique(rows[name]).drop_null() for name in ("_inference_id", "_event_id")]
    span = pc.min_max(rows["_time"])
    first, last = (f"{span[end].as_py().isoformat()}+00:00" for end in ("min", "max"))
    ids = IdFilter.of(id for column in known for id in column.to_pylist())
    return IndexedFile(key, size_bytes, rows.num_rows, first, last, ids)


def _ready(new: Sequence[StoredObject], model: DeployedModel, now: datetime) -> Sequence[StoredObject]:
    """Return what can be recorded: all, or of a model without a baseline what it has waited for one for a day.

    A model that is being deployed has none yet; a day later it will not get one any more.
    """
    return new if model.baseline else [item for item in new if item.modified < now - LATENESS]
