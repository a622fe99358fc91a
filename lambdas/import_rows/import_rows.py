"""From one watermark to the next: each file is announced, written and acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from headrace.aws.import_ledger import Progress
from headrace.aws.watermark import Watermark


class Source(Protocol):
    """What is needed of the database."""

    def end_of_file(self, after: Watermark | None, upto: Watermark, rows: int) -> Watermark | None:
        """Return where a file of about `rows` rows ends; None if there are no rows."""
        ...

    def rows(self, after: Watermark | None, upto: Watermark) -> Iterator[pa.Table]:
        """Read the rows beyond `after` up to `upto`."""
        ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    def load(self) -> Progress | None:
        """Return how far the import has come."""
        ...

    def save(self, progress: Progress) -> Progress:
        """Write it over the version it was made from."""
        ...


class Files(Protocol):
    """What is needed of the data bucket."""

    def key(self, run: str, after: Watermark | None, upto: Watermark) -> str:
        """Return the name of a file."""
        ...

    def write(self, key: str, blocks: Iterable[pa.Table]) -> int:
        """Write a file unless it is there already, and return its rows."""
        ...

    def finish(self, run: str) -> None:
        """Say that no file will follow."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that an import touches."""

    source: Source
    ledger: Ledger
    files: Files


@dataclass(frozen=True)
class ImportedFile:
    """One file as it was written.

    Parameters
    ----------
    key : str
        Where it is in the data bucket.
    rows : int
        How many rows it has; 0 if they have gone in the meantime, and there is no file.
    upto : Watermark
        Where it ends.
    """

    key: str
    rows: int
    upto: Watermark


def import_rows(ports: Ports, *, rows_per_file: int, goes_on: Callable[[], bool]) -> Iterator[ImportedFile]:
    """Import file by file until the goal is reached, or `goes_on` says that no further file fits.

    After a crash at any point the next run writes the file that was announced, under the same key and with the same
    bounds, or finds it written; so no row is lost and none comes twice.

    Raises
    ------
    OvertakenError
        If another import has moved on in the meantime; it has written what this one was about to.
    """
    progress = ports.ledger.load()
    while progress and progress.goal and goes_on():
        end = progress.pending or ports.source.end_of_file(progress.position, progress.goal, rows_per_file)
        if end is None:
            ports.files.finish(progress.run)
            ports.ledger.save(replace(progress, goal=None))
            return
        if not progress.pending:
            progress = ports.ledger.save(replace(progress, pending=end))
        key = ports.files.key(progress.run, progress.position, end)
        rows = ports.files.write(key, ports.source.rows(progress.position, end))
        goal = None if end == progress.goal else progress.goal
        if goal is None:
            ports.files.finish(progress.run)
        progress = ports.ledger.save(replace(progress, position=end, pending=None, goal=goal))
        yield ImportedFile(key, rows, end)
