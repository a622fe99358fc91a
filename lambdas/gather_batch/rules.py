"""When a batch is complete. Pure: the clock and everything known are arguments, and no order of arrival is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from headrace.aws.dropped_files import says_complete
from headrace.aws.file_ledger import Outcome
from headrace.aws.incoming_files import FileVersion

_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 5, 600


@dataclass(frozen=True)
class Batch:
    """The files that belong together.

    Parameters
    ----------
    files : mapping of str to FileVersion or None
        By key: which version counts, or None as long as the file is not here.
    optional : frozenset of str
        Keys that the batch is complete without, once it has waited.
    """

    files: Mapping[str, FileVersion | None]
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Progress:
    """How far a batch has come.

    Parameters
    ----------
    state : {"waiting", "complete", "incomplete"}
        Incomplete means that the time is over and a file that is needed is still open.
    accepted, quarantined, rows : int
        Files with an accepted row, files without one, and accepted rows.
    absent : tuple of str
        Keys of files that are not here, sorted.
    untaken : tuple of str
        Keys of files that are here, and that ingestion has not dealt with, sorted.
    """

    state: Literal["waiting", "complete", "incomplete"]
    accepted: int = 0
    quarantined: int = 0
    rows: int = 0
    absent: tuple[str, ...] = field(default=())
    untaken: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys of all files that are open."""
        return (*self.absent, *self.untaken)


def batch_of_marker(versions: Iterable[FileVersion], *, upto: datetime) -> Batch:
    """Return what had been dropped when the marker came: of each key the newest version up to then.

    Markers, manifests, and the placeholders of folders are no files of it, nor are files that were deleted before.

    Parameters
    ----------
    versions : iterable of FileVersion
        Everything in the marker's folder.
    upto : datetime
        When the marker was dropped.
    """
    newest = newest_versions(version for version in versions if version.dropped_at <= upto)
    return Batch({key: version for key, version in newest.items() if _is_data(version)})


def batch_of_manifest(entries: Mapping[str, bool], versions: Iterable[FileVersion]) -> Batch:
    """Return the files that a manifest lists, each in its newest version.

    Parameters
    ----------
    entries : mapping of str to bool
        By key: whether the batch needs it.
    versions : iterable of FileVersion
        At least all that there are of these keys.
    """
    newest = newest_versions(version for version in versions if version.key in entries)
    here = {key: version for key, version in newest.items() if version.size_bytes is not None}
    return Batch(
        {key: here.get(key) for key in entries},
        frozenset(key for key, needed in entries.items() if not needed),
    )


def newest_versions(versions: Iterable[FileVersion]) -> dict[str, FileVersion]:
    """Return the newest version of each key; of two in the same second the one that is listed first, as S3 sorts."""
    newest: dict[str, FileVersion] = {}
    for version in versions:
        known = newest.get(version.key)
        if known is None or version.dropped_at > known.dropped_at:
            newest[version.key] = version
    return newest


def progress(batch: Batch, outcomes: Mapping[tuple[str, str], Outcome], *, overdue: bool) -> Progress:
    """Compare a batch with what became of its files.

    A file is accounted for when the ledger has its version: accepted, in part or whole, or in quarantine.

    Parameters
    ----------
    batch : Batch
        What belongs together.
    outcomes : mapping of (key, version id) to Outcome
        What the ledger says.
    overdue : bool
        Whether the batch has waited as long as it should.

    Examples
    --------
    >>> from datetime import UTC
    >>> here = FileVersion("incoming/a.csv", "v1", 10, datetime(2026, 1, 31, tzinfo=UTC))
    >>> batch = Batch({"incoming/a.csv": here, "incoming/b.csv": None})
    >>> progress(batch, {("incoming/a.csv", "v1"): Outcome(rows=10, refused=None)}, overdue=False).state
    'waiting'
    >>> progress(batch, {}, overdue=True).missing
    ('incoming/b.csv', 'incoming/a.csv')
    """
    absent = tuple(sorted(key for key, version in batch.files.items() if version is None))
    here = [version for version in batch.files.values() if version is not None]
    done = [outcomes[place] for version in here if (place := (version.key, version.version_id)) in outcomes]
    untaken = tuple(sorted(v.key for v in here if (v.key, v.version_id) not in outcomes))
    return Progress(
        _state(batch, {*absent, *untaken}, overdue=overdue),
        accepted=sum(outcome.rows > 0 for outcome in done),
        quarantined=sum(outcome.rows == 0 for outcome in done),
        rows=sum(outcome.rows for outcome in done),
        absent=absent,
        untaken=untaken,
    )


def next_look_s(waited_s: float) -> int:
    """Return the seconds until it is worth looking again: a tenth of the time waited, from 5 s to 10 minutes.

    An execution of Step Functions has at most 25,000 events; a week of waiting makes about 12,000 this way.

    Examples
    --------
    >>> next_look_s(0), next_look_s(300), next_look_s(86_400)
    (5, 30, 600)
    """
    return round(min(max(waited_s / 10, _SHORTEST_WAIT_S), _LONGEST_WAIT_S))


def _is_data(version: FileVersion) -> bool:
    folder = version.key.endswith("/") and version.size_bytes == 0
    return version.size_bytes is not None and not folder and not says_complete(version.key)


def _state(
    batch: Batch, open_keys: set[str], *, overdue: bool
) -> Literal["waiting", "complete", "incomplete"]:
    if not open_keys:
        return "complete"
    if not overdue:
        return "waiting"
    return "incomplete" if open_keys - batch.optional else "complete"
